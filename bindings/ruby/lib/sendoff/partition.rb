# frozen_string_literal: true

module Sendoff
  # A topic's partition, as the cluster last described it.
  #
  # @!attribute id
  #   @return [Integer]
  # @!attribute leader
  #   @return [Integer, nil] the broker that leads it
  # @!attribute leader_epoch
  #   @return [Integer, nil]
  # @!attribute replicas
  #   @return [Array<Integer>] brokers that keep it
  # @!attribute in_sync_replicas
  #   @return [Array<Integer>]
  # @!attribute offline_replicas
  #   @return [Array<Integer>]
  # @!attribute error
  #   @return [Error, nil] what the cluster says is wrong with it
  Partition = Struct.new(:id, :leader, :leader_epoch, :replicas, :in_sync_replicas, :offline_replicas, :error,
                         keyword_init: true) do
    # All partitions of the library's snapshot.
    # @api private
    def self.all_of(snapshot)
      _, count = Native.partitions_count(snapshot)
      Array.new(count) { |index| of(snapshot, index) }
    end

    # @api private
    def self.of(snapshot, index)
      native = Native::Partition.new
      Native.partitions_get(snapshot, index, native)
      nodes = ->(kind) { Native.partitions_nodes(snapshot, index, kind).last }
      new(id: native.partition, leader: (native.leader unless native.leader.negative?),
          leader_epoch: (native.leader_epoch unless native.leader_epoch.negative?),
          replicas: nodes.call(Native::NODES_REPLICAS), in_sync_replicas: nodes.call(Native::NODES_IN_SYNC),
          offline_replicas: nodes.call(Native::NODES_OFFLINE),
          error: (Error.of(native.status) unless native.status == Native::OK)).freeze
    end
  end
end
