# frozen_string_literal: true

module Sendoff
  # Sends what producers that nobody closed have accepted, when the program ends.
  # @api private
  module Exit
    @sessions = {}.compare_by_identity
    @installed = @closing = false

    class << self
      # Remembers a session until {forget}. Handlers run last in, first out: installed with the first producer, ours
      # runs after those that the program installs later and that may still send.
      def remember(session)
        @sessions[session] = true
        return if @installed

        @installed = true
        at_exit { close_all }
      end

      def forget(session)
        @sessions.delete(session)
      end

      # Ends the program as `exit` in the main thread does; when it already ends, nothing is cut short.
      def request(system_exit)
        Thread.main.raise(system_exit) unless @closing
      end

      private

      # In a forked child the parent's sessions are left alone.
      def close_all
        @installed = false
        @closing = true
        sessions = @sessions.keys.select(&:ours?)
        sessions.each(&:begin_to_close)
        deadline = Deadline.new(sessions.map(&:shutdown_seconds).max || 0)
        lost = sessions.sum { |session| session.close(deadline) }
        warn "sendoff: the program ended before #{lost} records were delivered" if lost.positive?
      ensure
        @closing = false
      end
    end
  end
  private_constant :Exit
end
