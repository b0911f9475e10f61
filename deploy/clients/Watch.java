import campaigns.ApiClient;
import campaigns.ApiException;
import campaigns.ApiResponse;
import campaigns.api.CampaignsApi;
import campaigns.api.CampaignsApi.APIListCampaignsRequest;
import campaigns.model.*;
import java.net.http.HttpHeaders;
import java.time.Duration;
import java.util.*;

/** All running campaigns, and all again whenever one comes or goes: the client of openapi-generator for Java. */
public class Watch {
    record Answer(CampaignPage page, HttpHeaders headers) {}

    static final CampaignsApi FIRST = api("Prefer", "wait=10"), OTHERS = api("Cache-Control", "no-cache");

    static CampaignsApi api(String header, String value) {
        return new CampaignsApi(new ApiClient().setRequestInterceptor(request -> request
            .setHeader("X-API-Key", System.getenv("API_KEY")).setHeader(header, value).timeout(Duration.ofSeconds(30))));
    }

    /** A page and its headers, no page where it is that of the tag (304); comes again when 429 and 503 say so. */
    static Answer ask(int page, String tag) throws Exception {
        while (true) {
            try {
                CampaignsApi api = page > 1 ? OTHERS : FIRST;
                ApiResponse<CampaignPage> answer = api.listCampaignsWithHttpInfo(APIListCampaignsRequest.newBuilder()
                    .status(CampaignStatusFilter.RUNNING).page(page).pageSize(100).ifNoneMatch(tag).build());
                return new Answer(answer.getData(), HttpHeaders.of(answer.getHeaders(), (name, value) -> true));
            } catch (ApiException refusal) {
                if (refusal.getCode() == 304) return new Answer(null, refusal.getResponseHeaders());
                if (refusal.getCode() != 429 && refusal.getCode() != 503) throw refusal;
                Thread.sleep(1000 * refusal.getResponseHeaders().firstValueAsLong("Retry-After").orElse(5));
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        for (String tag = "\"\""; ; ) {
            Answer first = ask(1, tag);
            if (first.page() != null) {
                Map<Long, Campaign> found = new LinkedHashMap<>();
                for (Campaign campaign : first.page().getData()) found.put(campaign.getId(), campaign);
                Long pages = first.page().getPage().getTotalPages();
                for (int page = 2; pages != null && page <= pages; page++)
                    for (Campaign campaign : ask(page, "\"\"").page().getData()) found.put(campaign.getId(), campaign);
                System.out.println(found.size() + " campaigns are running");
                tag = first.headers().firstValue("ETag").orElse("\"\"");
            } else if (first.headers().firstValue("Preference-Applied").isEmpty()) Thread.sleep(2000);
        }
    }
}
