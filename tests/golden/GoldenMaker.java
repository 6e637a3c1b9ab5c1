import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.ApiVersionsRequestData;
import org.apache.kafka.common.message.ApiVersionsResponseData;
import org.apache.kafka.common.message.DescribeProducersRequestData;
import org.apache.kafka.common.message.DescribeProducersResponseData;
import org.apache.kafka.common.message.FetchRequestData;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.message.FindCoordinatorRequestData;
import org.apache.kafka.common.message.FindCoordinatorResponseData;
import org.apache.kafka.common.message.InitProducerIdRequestData;
import org.apache.kafka.common.message.InitProducerIdResponseData;
import org.apache.kafka.common.message.ListOffsetsRequestData;
import org.apache.kafka.common.message.ListOffsetsResponseData;
import org.apache.kafka.common.message.MetadataRequestData;
import org.apache.kafka.common.message.MetadataResponseData;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.message.ProduceResponseData;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.message.SaslAuthenticateRequestData;
import org.apache.kafka.common.message.SaslAuthenticateResponseData;
import org.apache.kafka.common.message.SaslHandshakeRequestData;
import org.apache.kafka.common.message.SaslHandshakeResponseData;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.RawTaggedField;
import org.apache.kafka.common.record.internal.MemoryRecords;

/**
 * GoldenMaker API_DEF FOLDER: writes what Kafka's own message classes make of known values, as FOLDER/API.hex: one
 * message a line, "API_vVERSION_DIRECTION_VARIANT HEX", for every API and version of src/protocol/api.def. The unit
 * tests hold the same values and expect the same bytes. Variants: "full" has every field set, "minimal" has nulls and
 * empty lists, "unknown_tags" is "full" with tagged fields in every struct that nobody knows; the others, and this one,
 * only have to be understood.
 */
public final class GoldenMaker {
    private static final Uuid FIRST_ID = new Uuid(0x0102030405060708L, 0x090a0b0c0d0e0f10L);
    private static final Uuid SECOND_ID = new Uuid(0x1112131415161718L, 0x191a1b1c1d1e1f20L);
    private static final long SOME_TIME_MS = 1700000000000L;

    /** A row of api.def. */
    private record ApiRange(short key, short minimum, short maximum, short firstFlexible) {
    }

    private final Map<String, ApiRange> ranges = new LinkedHashMap<>();
    private final Path folder;
    private final StringBuilder lines = new StringBuilder();
    private String api;

    private GoldenMaker(Path definitions, Path folder) throws IOException {
        this.folder = folder;
        Pattern row = Pattern.compile("API\\((\\d+), (\\w+), (\\d+), (\\d+), (\\d+)\\)");
        for (String line : Files.readAllLines(definitions)) {
            Matcher matcher = row.matcher(line);
            if (matcher.matches()) {
                ranges.put(matcher.group(2).toLowerCase(Locale.ROOT), new ApiRange(Short.parseShort(matcher.group(1)),
                    Short.parseShort(matcher.group(3)), Short.parseShort(matcher.group(4)),
                    Short.parseShort(matcher.group(5))));
            }
        }
    }

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments[1]);
        GoldenMaker maker = new GoldenMaker(Path.of(arguments[0]), folder);
        maker.headers();
        maker.apiVersions();
        maker.metadata();
        maker.produce();
        maker.initProducerId();
        maker.describeProducers();
        maker.listOffsets();
        maker.fetch();
        maker.findCoordinator();
        maker.saslHandshake();
        maker.saslAuthenticate();
        GoldenBatches.write(folder);
    }

    /* ---- headers ---- */

    private void headers() throws IOException {
        begin("header");
        RequestHeaderData request = new RequestHeaderData().setRequestApiKey((short) 3).setRequestApiVersion((short) 9)
            .setCorrelationId(0x01020304).setClientId("sendoff");
        add("request", "full", 1, request.setRequestApiVersion((short) 8));
        add("request", "full", 2, request.setRequestApiVersion((short) 9));
        add("request", "minimal", 1, request.setRequestApiVersion((short) 8).setClientId(null));
        add("request", "minimal", 2, request.setRequestApiVersion((short) 9));
        addWithUnknownTags("request", 2, request.setClientId("sendoff"));
        ResponseHeaderData response = new ResponseHeaderData().setCorrelationId(-2);
        add("response", "full", 0, response);
        add("response", "full", 1, response);
        addWithUnknownTags("response", 1, response);
        finish();
    }

    /* ---- ApiVersions ---- */

    private void apiVersions() throws IOException {
        begin("api_versions");
        for (short version = range().minimum(); version <= range().maximum(); version++) {
            ApiVersionsRequestData request = new ApiVersionsRequestData();
            if (version >= 3) {
                request.setClientSoftwareName("sendoff").setClientSoftwareVersion("1.0.0");
            }
            addAll("request", version, request);
            addAll("response", version, apiVersionsResponse());
            ApiVersionsResponseData throttled = apiVersionsResponse();
            if (version >= 1) {
                throttled.setThrottleTimeMs(9);
            }
            if (version >= 3) {
                throttled.supportedFeatures().add(new ApiVersionsResponseData.SupportedFeatureKey()
                    .setName("transaction.version").setMinVersion((short) 1).setMaxVersion((short) 2));
                throttled.finalizedFeatures().add(new ApiVersionsResponseData.FinalizedFeatureKey()
                    .setName("transaction.version").setMinVersionLevel((short) 1).setMaxVersionLevel((short) 2));
                throttled.setFinalizedFeaturesEpoch(77);
            }
            add("response", "features", version, throttled);
        }
        add("response", "unsupported", 0, apiVersionsResponse().setErrorCode((short) 35));
        finish();
    }

    /**
     * What the embedded broker offers: our ranges but those of logins, and Produce from version 0 as brokers of 4.x do
     * (KAFKA-18659).
     */
    private ApiVersionsResponseData apiVersionsResponse() {
        ApiVersionsResponseData response = new ApiVersionsResponseData();
        for (Map.Entry<String, ApiRange> entry : ranges.entrySet()) {
            ApiRange range = entry.getValue();
            if (entry.getKey().startsWith("sasl_")) {
                continue;
            }
            response.apiKeys().add(new ApiVersionsResponseData.ApiVersion().setApiKey(range.key())
                .setMinVersion(range.key() == 0 ? 0 : range.minimum()).setMaxVersion(range.maximum()));
        }
        return response;
    }

    /* ---- Metadata ---- */

    private void metadata() throws IOException {
        begin("metadata");
        for (short version = range().minimum(); version <= range().maximum(); version++) {
            MetadataRequestData request = new MetadataRequestData().setAllowAutoTopicCreation(true);
            request.topics().add(new MetadataRequestData.MetadataRequestTopic().setName("orders"));
            MetadataRequestData.MetadataRequestTopic second = new MetadataRequestData.MetadataRequestTopic();
            request.topics().add(version >= 10 ? second.setTopicId(FIRST_ID).setName(null) : second.setName("events"));
            addAll("request", version, request);
            add("request", "minimal", version, new MetadataRequestData().setTopics(null)
                .setAllowAutoTopicCreation(false));
            addAll("response", version, metadataResponse(version, List.of(1, 2), List.of()));
            List<Integer> offline = version >= 5 ? List.of(1) : List.of();
            add("response", "degraded", version, metadataResponse(version, List.of(2), offline));
            add("response", "minimal", version, new MetadataResponseData().setClusterId(null).setControllerId(-1));
        }
        finish();
    }

    private static MetadataResponseData metadataResponse(short version, List<Integer> inSync, List<Integer> offline) {
        MetadataResponseData response = new MetadataResponseData().setThrottleTimeMs(5).setClusterId("cluster-x")
            .setControllerId(2);
        response.brokers().add(new MetadataResponseData.MetadataResponseBroker().setNodeId(1).setHost("one")
            .setPort(9091).setRack("rack-a"));
        response.brokers().add(new MetadataResponseData.MetadataResponseBroker().setNodeId(2).setHost("two")
            .setPort(9092).setRack(null));
        MetadataResponseData.MetadataResponsePartition partition = new MetadataResponseData.MetadataResponsePartition()
            .setErrorCode((short) 9).setPartitionIndex(4).setLeaderId(2).setReplicaNodes(List.of(1, 2))
            .setIsrNodes(inSync).setOfflineReplicas(offline);
        if (version >= 7) {
            partition.setLeaderEpoch(17);
        }
        MetadataResponseData.MetadataResponseTopic known = new MetadataResponseData.MetadataResponseTopic()
            .setName("orders").setIsInternal(true).setPartitions(List.of(partition));
        if (version >= 10) {
            known.setTopicId(FIRST_ID);
        }
        response.topics().add(known);
        response.topics().add(new MetadataResponseData.MetadataResponseTopic().setErrorCode((short) 3)
            .setName(version >= 12 ? null : "events"));
        if (version >= 13) {
            response.setErrorCode((short) 129);
        }
        return response;
    }

    /* ---- Produce ---- */

    private void produce() throws IOException {
        begin("produce");
        for (short version = range().minimum(); version <= range().maximum(); version++) {
            addAll("request", version, produceRequest(version));
            add("request", "minimal", version, new ProduceRequestData().setTransactionalId(null).setAcks((short) 1)
                .setTimeoutMs(0));
            addAll("response", version, produceResponse(version));
            add("response", "minimal", version, new ProduceResponseData());
        }
        finish();
    }

    private static ProduceRequestData produceRequest(short version) {
        ProduceRequestData request = new ProduceRequestData().setTransactionalId("txn-1").setAcks((short) -1)
            .setTimeoutMs(30000);
        ProduceRequestData.TopicProduceData first = new ProduceRequestData.TopicProduceData();
        first.partitionData().add(new ProduceRequestData.PartitionProduceData().setIndex(0)
            .setRecords(records("records-a")));
        first.partitionData().add(new ProduceRequestData.PartitionProduceData().setIndex(7)
            .setRecords(records("records-bb")));
        ProduceRequestData.TopicProduceData second = new ProduceRequestData.TopicProduceData();
        second.partitionData().add(new ProduceRequestData.PartitionProduceData().setIndex(Integer.MAX_VALUE)
            .setRecords(records("")));
        request.topicData().add(version >= 13 ? first.setTopicId(FIRST_ID) : first.setName("orders"));
        request.topicData().add(version >= 13 ? second.setTopicId(SECOND_ID) : second.setName("events"));
        return request;
    }

    private static ProduceResponseData produceResponse(short version) {
        ProduceResponseData.TopicProduceResponse first = new ProduceResponseData.TopicProduceResponse()
            .setPartitionResponses(List.of(refusedPartition(version), movedPartition(version)));
        ProduceResponseData.TopicProduceResponse second = new ProduceResponseData.TopicProduceResponse()
            .setPartitionResponses(List.of(new ProduceResponseData.PartitionProduceResponse().setIndex(0)));
        ProduceResponseData response = new ProduceResponseData().setThrottleTimeMs(250);
        response.responses().add(version >= 13 ? first.setTopicId(FIRST_ID) : first.setName("orders"));
        response.responses().add(version >= 13 ? second.setTopicId(SECOND_ID) : second.setName("events"));
        if (version >= 10) {
            response.nodeEndpoints().add(new ProduceResponseData.NodeEndpoint().setNodeId(7).setHost("host7")
                .setPort(9097).setRack("r1"));
            response.nodeEndpoints().add(new ProduceResponseData.NodeEndpoint().setNodeId(8).setHost("host8")
                .setPort(9098).setRack(null));
        }
        return response;
    }

    private static ProduceResponseData.PartitionProduceResponse refusedPartition(short version) {
        ProduceResponseData.PartitionProduceResponse refused = new ProduceResponseData.PartitionProduceResponse()
            .setIndex(1).setErrorCode((short) 87).setBaseOffset(-1);
        if (version >= 5) {
            refused.setLogStartOffset(12);
        }
        if (version >= 8) {
            refused.setErrorMessage("bad records").setRecordErrors(List.of(
                new ProduceResponseData.BatchIndexAndErrorMessage().setBatchIndex(3)
                    .setBatchIndexErrorMessage("no key"),
                new ProduceResponseData.BatchIndexAndErrorMessage().setBatchIndex(9)));
        }
        return refused;
    }

    private static ProduceResponseData.PartitionProduceResponse movedPartition(short version) {
        ProduceResponseData.PartitionProduceResponse moved = new ProduceResponseData.PartitionProduceResponse()
            .setIndex(2).setErrorCode((short) 6).setBaseOffset(4294967296L).setLogAppendTimeMs(SOME_TIME_MS);
        if (version >= 5) {
            moved.setLogStartOffset(34);
        }
        if (version >= 10) {
            moved.setCurrentLeader(new ProduceResponseData.LeaderIdAndEpoch().setLeaderId(7).setLeaderEpoch(41));
        }
        return moved;
    }

    /* ---- logins ---- */

    private void saslHandshake() throws IOException {
        begin("sasl_handshake");
        for (short version = range().minimum(); version <= range().maximum(); version++) {
            addAll("request", version, new SaslHandshakeRequestData().setMechanism("SCRAM-SHA-256"));
            addAll("response", version, new SaslHandshakeResponseData().setErrorCode((short) 33)
                .setMechanisms(List.of("PLAIN", "SCRAM-SHA-512")));
            add("response", "minimal", version, new SaslHandshakeResponseData());
        }
        finish();
    }

    private void saslAuthenticate() throws IOException {
        begin("sasl_authenticate");
        for (short version = range().minimum(); version <= range().maximum(); version++) {
            addAll("request", version, new SaslAuthenticateRequestData().setAuthBytes("n,,n=me,r=1".getBytes(
                StandardCharsets.UTF_8)));
            SaslAuthenticateResponseData response = new SaslAuthenticateResponseData().setErrorCode((short) 58)
                .setErrorMessage("wrong").setAuthBytes(new byte[] {1, 2, 3});
            if (version >= 1) {
                response.setSessionLifetimeMs(3600000);
            }
            addAll("response", version, response);
            add("response", "minimal", version, new SaslAuthenticateResponseData().setErrorMessage(null));
        }
        finish();
    }

    /* ---- InitProducerId ---- */

    private void initProducerId() throws IOException {
        begin("init_producer_id");
        for (short version = range().minimum(); version <= range().maximum(); version++) {
            InitProducerIdRequestData request = new InitProducerIdRequestData().setTransactionalId("txn-1")
                .setTransactionTimeoutMs(60000);
            if (version >= 3) {
                request.setProducerId(1099511627776L).setProducerEpoch((short) 12);
            }
            addAll("request", version, request);
            add("request", "minimal", version, new InitProducerIdRequestData().setTransactionalId(null)
                .setTransactionTimeoutMs(Integer.MAX_VALUE));
            addAll("response", version, new InitProducerIdResponseData().setThrottleTimeMs(100)
                .setErrorCode((short) 51).setProducerId(Long.MAX_VALUE).setProducerEpoch(Short.MAX_VALUE));
            add("response", "minimal", version, new InitProducerIdResponseData());
        }
        finish();
    }

    /* ---- DescribeProducers ---- */

    private void describeProducers() throws IOException {
        begin("describe_producers");
        for (short version = range().minimum(); version <= range().maximum(); version++) {
            addAll("request", version, new DescribeProducersRequestData().setTopics(List.of(
                new DescribeProducersRequestData.TopicRequest().setName("orders").setPartitionIndexes(List.of(3, 7)),
                new DescribeProducersRequestData.TopicRequest().setName("events").setPartitionIndexes(List.of()))));
            DescribeProducersResponseData.PartitionResponse known =
                new DescribeProducersResponseData.PartitionResponse().setPartitionIndex(3).setErrorMessage(null)
                    .setActiveProducers(List.of(
                        new DescribeProducersResponseData.ProducerState().setProducerId(1099511627776L)
                            .setProducerEpoch(12).setLastSequence(Integer.MAX_VALUE).setLastTimestamp(SOME_TIME_MS)
                            .setCoordinatorEpoch(-1).setCurrentTxnStartOffset(-1),
                        new DescribeProducersResponseData.ProducerState().setProducerId(2).setProducerEpoch(0)
                            .setCoordinatorEpoch(4).setCurrentTxnStartOffset(8589934592L)));
            DescribeProducersResponseData.PartitionResponse refused =
                new DescribeProducersResponseData.PartitionResponse().setPartitionIndex(7).setErrorCode((short) 29)
                    .setErrorMessage("not allowed");
            addAll("response", version, new DescribeProducersResponseData().setThrottleTimeMs(13).setTopics(List.of(
                new DescribeProducersResponseData.TopicResponse().setName("orders").setPartitions(
                    List.of(known, refused)))));
            add("request", "minimal", version, new DescribeProducersRequestData());
            add("response", "minimal", version, new DescribeProducersResponseData());
        }
        finish();
    }

    /* ---- ListOffsets ---- */

    private void listOffsets() throws IOException {
        begin("list_offsets");
        for (short version = range().minimum(); version <= range().maximum(); version++) {
            ListOffsetsRequestData.ListOffsetsPartition first = new ListOffsetsRequestData.ListOffsetsPartition()
                .setPartitionIndex(3).setTimestamp(-2);
            ListOffsetsRequestData.ListOffsetsPartition second = new ListOffsetsRequestData.ListOffsetsPartition()
                .setPartitionIndex(4).setTimestamp(SOME_TIME_MS);
            ListOffsetsRequestData request = new ListOffsetsRequestData().setReplicaId(-1);
            ListOffsetsResponseData.ListOffsetsPartitionResponse found =
                new ListOffsetsResponseData.ListOffsetsPartitionResponse().setPartitionIndex(3).setErrorCode((short) 78)
                    .setTimestamp(SOME_TIME_MS).setOffset(8589934592L);
            ListOffsetsResponseData response = new ListOffsetsResponseData();
            if (version >= 2) {
                request.setIsolationLevel((byte) 1);
                response.setThrottleTimeMs(11);
            }
            if (version >= 4) {
                first.setCurrentLeaderEpoch(8);
                found.setLeaderEpoch(8);
            }
            request.setTopics(List.of(new ListOffsetsRequestData.ListOffsetsTopic().setName("orders")
                .setPartitions(List.of(first, second))));
            response.setTopics(List.of(new ListOffsetsResponseData.ListOffsetsTopicResponse().setName("orders")
                .setPartitions(List.of(found))));
            addAll("request", version, request);
            addAll("response", version, response);
            add("request", "minimal", version, new ListOffsetsRequestData().setReplicaId(-1));
            add("response", "minimal", version, new ListOffsetsResponseData());
        }
        finish();
    }

    /* ---- Fetch ---- */

    private void fetch() throws IOException {
        begin("fetch");
        for (short version = range().minimum(); version <= range().maximum(); version++) {
            addAll("request", version, fetchRequest(version));
            add("request", "minimal", version, new FetchRequestData().setReplicaId(-1).setMaxBytes(0));
            if (version >= 7) {
                FetchRequestData forgetting = fetchRequest(version).setForgottenTopicsData(List.of(
                    new FetchRequestData.ForgottenTopic().setTopic("old").setPartitions(List.of(1, 2)),
                    new FetchRequestData.ForgottenTopic().setTopic("older").setPartitions(List.of())));
                if (version >= 12) {
                    forgetting.setClusterId("cluster-x");
                }
                add("request", "forgetting", version, forgetting);
            }
            addAll("response", version, fetchResponse(version, false));
            add("response", "aborted", version, fetchResponse(version, true));
            add("response", "minimal", version, new FetchResponseData());
        }
        finish();
    }

    private static FetchRequestData fetchRequest(short version) {
        FetchRequestData.FetchPartition partition = new FetchRequestData.FetchPartition().setPartition(6)
            .setFetchOffset(34359738368L).setPartitionMaxBytes(1048576);
        FetchRequestData request = new FetchRequestData().setReplicaId(-1).setMaxWaitMs(500).setMinBytes(1)
            .setMaxBytes(52428800).setIsolationLevel((byte) 1).setTopics(List.of(
                new FetchRequestData.FetchTopic().setTopic("orders").setPartitions(List.of(partition))));
        if (version >= 5) {
            partition.setLogStartOffset(5);
        }
        if (version >= 7) {
            request.setSessionId(77).setSessionEpoch(4);
        }
        if (version >= 9) {
            partition.setCurrentLeaderEpoch(9);
        }
        if (version >= 11) {
            request.setRackId("rack-a");
        }
        if (version >= 12) {
            partition.setLastFetchedEpoch(8);
        }
        return request;
    }

    private static FetchResponseData fetchResponse(short version, boolean withAborted) {
        FetchResponseData.PartitionData full = new FetchResponseData.PartitionData().setPartitionIndex(6)
            .setHighWatermark(100).setLastStableOffset(99).setAbortedTransactions(null)
            .setRecords(records("records-a"));
        FetchResponseData.PartitionData empty = new FetchResponseData.PartitionData().setPartitionIndex(7)
            .setErrorCode((short) 1).setHighWatermark(-1).setLastStableOffset(-1).setAbortedTransactions(null)
            .setRecords(records(""));
        FetchResponseData response = new FetchResponseData().setThrottleTimeMs(3).setResponses(List.of(
            new FetchResponseData.FetchableTopicResponse().setTopic("orders").setPartitions(List.of(full, empty))));
        if (version >= 5) {
            full.setLogStartOffset(5);
        }
        if (version >= 7) {
            response.setErrorCode((short) 70).setSessionId(0x01020304);
        }
        if (withAborted) {
            full.setAbortedTransactions(List.of(
                new FetchResponseData.AbortedTransaction().setProducerId(5).setFirstOffset(6),
                new FetchResponseData.AbortedTransaction().setProducerId(7).setFirstOffset(8)));
            if (version >= 11) {
                full.setPreferredReadReplica(3);
            }
            if (version >= 12) {
                full.setCurrentLeader(new FetchResponseData.LeaderIdAndEpoch().setLeaderId(1).setLeaderEpoch(2));
                full.setDivergingEpoch(new FetchResponseData.EpochEndOffset().setEpoch(3).setEndOffset(4));
            }
        }
        return response;
    }

    /* ---- FindCoordinator ---- */

    private void findCoordinator() throws IOException {
        begin("find_coordinator");
        for (short version = range().minimum(); version <= range().maximum(); version++) {
            FindCoordinatorRequestData request = new FindCoordinatorRequestData().setKey("group-1");
            FindCoordinatorResponseData response = new FindCoordinatorResponseData().setErrorCode((short) 15)
                .setNodeId(-1).setHost("host-1").setPort(9092);
            if (version >= 1) {
                request.setKeyType((byte) 1);
                response.setThrottleTimeMs(7).setErrorMessage("none here");
            }
            addAll("request", version, request);
            addAll("response", version, response);
        }
        finish();
    }

    /* ---- writing ---- */

    /** A message that is not a real batch: the messages do not look into it. */
    private static MemoryRecords records(String content) {
        return MemoryRecords.readableRecords(ByteBuffer.wrap(content.getBytes(StandardCharsets.UTF_8)));
    }

    private void begin(String name) {
        api = name;
    }

    private ApiRange range() {
        return ranges.get(api);
    }

    private void addAll(String direction, short version, Message message) {
        add(direction, "full", version, message);
        if (version >= range().firstFlexible()) {
            addWithUnknownTags(direction, version, message);
        }
    }

    private void addWithUnknownTags(String direction, int version, Message message) {
        addUnknownTags(message);
        add(direction, "unknown_tags", version, message);
    }

    private void add(String direction, String variant, int version, Message message) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, (short) version));
        message.write(new ByteBufferAccessor(buffer), cache, (short) version);
        lines.append(api).append("_v").append(version).append('_').append(direction).append('_').append(variant)
            .append(' ').append(HexFormat.of().formatHex(buffer.array())).append('\n');
    }

    private void finish() throws IOException {
        Files.writeString(folder.resolve(api + ".hex"), lines);
        lines.setLength(0);
    }

    /** Adds two tagged fields, one of them empty, to the message and to every struct in it. */
    private static void addUnknownTags(Message message) {
        message.unknownTaggedFields().add(new RawTaggedField(1000, "unknown".getBytes(StandardCharsets.UTF_8)));
        message.unknownTaggedFields().add(new RawTaggedField(100000, new byte[0]));
        try {
            for (Field field : message.getClass().getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers())) {
                    field.setAccessible(true);
                    addUnknownTagsToValue(field.get(message));
                }
            }
        } catch (ReflectiveOperationException error) {
            throw new IllegalStateException(error);
        }
    }

    private static void addUnknownTagsToValue(Object value) throws ReflectiveOperationException {
        if (value instanceof Iterable<?> elements) {
            for (Object element : elements) {
                if (element instanceof Message struct) {
                    addUnknownTags(struct);
                }
            }
        } else if (value instanceof Message struct && !isDefault(struct)) {
            addUnknownTags(struct);
        }
    }

    /** A struct in a tagged field that has its default value is not written, and has to keep that value. */
    private static boolean isDefault(Message struct) throws ReflectiveOperationException {
        return struct.equals(struct.getClass().getConstructor().newInstance());
    }
}
