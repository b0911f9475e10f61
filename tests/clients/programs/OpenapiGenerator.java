import campaigns.ApiClient;
import campaigns.ApiException;
import campaigns.ApiResponse;
import campaigns.api.CacheApi;
import campaigns.api.CacheApi.APIExplainQueryRequest;
import campaigns.api.CacheApi.APIPurgeCacheRequest;
import campaigns.api.CampaignsApi;
import campaigns.api.CampaignsApi.APICountCampaignsRequest;
import campaigns.api.CampaignsApi.APIExportCampaignsRequest;
import campaigns.api.CampaignsApi.APIGetMeRequest;
import campaigns.api.CampaignsApi.APIListCampaignsRequest;
import campaigns.api.DocumentationApi;
import campaigns.api.DocumentationApi.APIExplainProblemRequest;
import campaigns.api.DocumentationApi.APIGetApiDocumentRequest;
import campaigns.api.DocumentationApi.APIListPlacesRequest;
import campaigns.api.DocumentationApi.APIListProblemsRequest;
import campaigns.api.DocumentationApi.APIReadConsoleRequest;
import campaigns.api.DocumentationApi.APIReadDocsRequest;
import campaigns.api.OperationsApi;
import campaigns.api.OperationsApi.APICheckHealthRequest;
import campaigns.api.OperationsApi.APICheckReadinessRequest;
import campaigns.api.OperationsApi.APIGetMetricsRequest;
import campaigns.model.*;
import java.io.File;
import java.nio.file.Files;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.*;
import java.util.function.Function;
import java.util.stream.Collectors;

/** A program for the client that openapi-generator made in Java: it prints what it saw, as JSON. */
public class OpenapiGenerator {
    static String key;

    static ApiClient client(String url, boolean known) {
        ApiClient client = new ApiClient();
        if (url != null) client.updateBaseUri(url);
        if (known) client.setRequestInterceptor(request -> request.setHeader("X-API-Key", key));
        return client;
    }

    static APIListCampaignsRequest.Builder list(int size) {
        return APIListCampaignsRequest.newBuilder().pageSize(size);
    }

    static <T> List<T> of(CampaignPage page, Function<Campaign, T> field) {
        return page.getData().stream().map(field).collect(Collectors.toList());
    }

    static String name(Problem problem) {
        return problem.getType().substring(problem.getType().lastIndexOf('/') + 1);
    }

    interface Call {
        void go() throws ApiException;
    }

    static ApiException failure(Call call) {
        try {
            call.go();
        } catch (ApiException error) {
            return error;
        }
        throw new AssertionError("it did not fail");
    }

    static Problem problem(ApiException error) throws Exception {
        return ApiClient.createDefaultObjectMapper().readValue(error.getResponseBody(), Problem.class);
    }

    public static void main(String[] arguments) throws Exception {
        String front = arguments[0];
        key = arguments[1];
        ApiClient here = client(null, true);
        CampaignsApi api = new CampaignsApi(here);
        CampaignsApi newFields = new CampaignsApi(client(front + "/new-fields", true));
        CampaignsApi newWords = new CampaignsApi(client(front + "/new-words", true));
        Map<String, Object> report = new LinkedHashMap<>(), operations = new LinkedHashMap<>();

        ApiResponse<CampaignPage> first = api.listCampaignsWithHttpInfo(list(2).build());
        String tag = first.getHeaders().get("etag").get(0);
        CampaignPage page = first.getData();
        report.put("default_url", here.getBaseUri());
        report.put("list", Map.of(
            "ids", of(page, Campaign::getId),
            "names", of(page, Campaign::getName),
            "statuses", of(page, campaign -> campaign.getStatus().getValue()),
            "device_types", of(page, campaign -> campaign.getDeviceType().getValue()),
            "begins_at", of(page, campaign -> campaign.getBeginsAt() == null ? null
                : campaign.getBeginsAt().withOffsetSameInstant(ZoneOffset.UTC).format(
                    DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss'Z'"))),
            "page", Arrays.asList(page.getPage().getNumber(), page.getPage().getSize(),
                page.getPage().getTotalItems(), page.getPage().getTotalPages()),
            "totals", Arrays.asList(page.getTotals().getSkillQueue(), page.getTotals().getIvr())));
        report.put("page_2", of(api.listCampaigns(list(2).page(2).build()), Campaign::getId));
        report.put("greatest_id", api.listCampaigns(list(1).page(5).build()).getData().get(0).getId().toString());
        report.put("not_modified", failure(() -> api.listCampaigns(list(2).ifNoneMatch(tag).build())).getCode());
        report.put("packed", api.listCampaigns(
            list(100).xRequestId("packed").build(), Map.of("Accept-Encoding", "gzip")).getData().size());

        APIListCampaignsRequest wrong = list(2).beginsFrom("2026-02-01").endsTo("2026-01-01").build();
        ApiException refused = failure(() -> api.listCampaigns(wrong));
        Problem problem = problem(refused);
        report.put("problem", List.of(refused.getCode(), name(problem),
            problem.getErrors().stream().map(Fault::getParameter).collect(Collectors.toList())));
        ApiException unknown = failure(() -> new CampaignsApi(client(null, false)).listCampaigns(list(2).build()));
        report.put("unauthenticated", List.of(unknown.getCode(), name(problem(unknown))));
        report.put("new_fields", List.of(of(newFields.listCampaigns(list(2).build()), Campaign::getId),
            name(problem(failure(() -> newFields.listCampaigns(wrong))))));
        CampaignPage unheardOf = newWords.listCampaigns(list(2).build());
        report.put("new_words", List.of(of(unheardOf, Campaign::getId),
            of(unheardOf, campaign -> campaign.getStatus().getValue()),
            of(unheardOf, campaign -> campaign.getDeviceType().getValue())));

        CacheApi cache = new CacheApi(here);
        OperationsApi state = new OperationsApi(here);
        DocumentationApi documentation = new DocumentationApi(here);
        ApiResponse<Caller> me = api.getMeWithHttpInfo(APIGetMeRequest.newBuilder().build());
        ApiResponse<Summary> counted = api.countCampaignsWithHttpInfo(APICountCampaignsRequest.newBuilder().build());
        ApiResponse<File> exported = api.exportCampaignsWithHttpInfo(APIExportCampaignsRequest.newBuilder().build());
        ApiResponse<Explanation> explained =
            cache.explainQueryWithHttpInfo(APIExplainQueryRequest.newBuilder().pageSize(2).build());
        ApiResponse<Health> health = state.checkHealthWithHttpInfo(APICheckHealthRequest.newBuilder().build());
        ApiResponse<Readiness> readiness =
            state.checkReadinessWithHttpInfo(APICheckReadinessRequest.newBuilder().build());
        ApiResponse<String> metrics = state.getMetricsWithHttpInfo(APIGetMetricsRequest.newBuilder().build());
        ApiResponse<Map<String, String>> places =
            documentation.listPlacesWithHttpInfo(APIListPlacesRequest.newBuilder().build());
        ApiResponse<?> document =
            documentation.getApiDocumentWithHttpInfo(APIGetApiDocumentRequest.newBuilder().build());
        ApiResponse<Void> docs = documentation.readDocsWithHttpInfo(APIReadDocsRequest.newBuilder().build());
        ApiResponse<Void> console = documentation.readConsoleWithHttpInfo(APIReadConsoleRequest.newBuilder().build());
        ApiResponse<ProblemList> problems =
            documentation.listProblemsWithHttpInfo(APIListProblemsRequest.newBuilder().build());
        ApiResponse<ProblemDescription> forbidden = documentation.explainProblemWithHttpInfo(
            APIExplainProblemRequest.newBuilder().name(ProblemName.FORBIDDEN).build());
        ApiResponse<Purge> purge = cache.purgeCacheWithHttpInfo(APIPurgeCacheRequest.newBuilder().build());
        operations.put("listCampaigns", first.getStatusCode());
        operations.put("getMe", me.getStatusCode());
        operations.put("countCampaigns", counted.getStatusCode());
        operations.put("exportCampaigns", exported.getStatusCode());
        operations.put("explainQuery", explained.getStatusCode());
        operations.put("checkHealth", health.getStatusCode());
        operations.put("checkReadiness", readiness.getStatusCode());
        operations.put("getMetrics", metrics.getStatusCode());
        operations.put("listPlaces", places.getStatusCode());
        operations.put("getApiDocument", document.getStatusCode());
        operations.put("readDocs", docs.getStatusCode());
        operations.put("readConsole", console.getStatusCode());
        operations.put("listProblems", problems.getStatusCode());
        operations.put("explainProblem", forbidden.getStatusCode());
        operations.put("purgeCache", purge.getStatusCode());
        report.put("operations", operations);
        report.put("contents", Map.ofEntries(
            Map.entry("me", List.of(me.getData().getCredential().getValue(), me.getData().getVdns().get(0).getName())),
            Map.entry("counted", List.of(counted.getData().getTotal(), counted.getData().getByStatus().getPaused())),
            Map.entry("exported", Files.readAllLines(exported.getData().toPath()).size()),
            Map.entry("explained", explained.getData().getFetchUnderWay()),
            Map.entry("health", health.getData().getStatus()),
            Map.entry("vdn", readiness.getData().getDependencies().get("isales").getVdns().get("1").getStatus()),
            Map.entry("metrics", metrics.getData().startsWith("# HELP")),
            Map.entry("places", places.getData().get("openapi")),
            Map.entry("openapi", ((Map<?, ?>) document.getData()).get("openapi")),
            Map.entry("problems", problems.getData().getProblems().size() > 10),
            Map.entry("problem", forbidden.getData().getStatus()),
            Map.entry("purged", purge.getData().getVdns())));
        System.out.println(ApiClient.createDefaultObjectMapper().writeValueAsString(report));
    }
}
