// All running campaigns, and all again whenever one comes or goes: the client of openapi-generator for Go.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"example.com/openapi/campaigns"
)

var known = context.WithValue(context.Background(), campaigns.ContextAPIKeys,
	map[string]campaigns.APIKey{"ApiKey": {Key: os.Getenv("API_KEY")}})
var first, others = api("Prefer", "wait=10"), api("Cache-Control", "no-cache")

func api(header, value string) *campaigns.APIClient {
	settings := campaigns.NewConfiguration()
	settings.Servers = campaigns.ServerConfigurations{{URL: os.Getenv("GATEWAY")}}
	settings.HTTPClient = &http.Client{Timeout: 30 * time.Second}
	settings.AddDefaultHeader(header, value)
	return campaigns.NewAPIClient(settings)
}

// ask returns a page, none where it is that of the tag (304); it comes again when 429 and 503 say so.
func ask(page int32, tag string) (*campaigns.CampaignPage, http.Header) {
	from := others
	if page == 1 {
		from = first
	}
	for {
		found, answer, err := from.CampaignsAPI.ListCampaigns(known).Status(campaigns.CAMPAIGNSTATUSFILTER_RUNNING).
			Page(page).PageSize(100).IfNoneMatch(tag).Execute()
		if answer == nil {
			panic(err)
		}
		switch answer.StatusCode {
		case 200:
			return found, answer.Header
		case 304:
			return nil, answer.Header
		case 429, 503:
			seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
			if err != nil {
				seconds = 5
			}
			time.Sleep(time.Duration(seconds) * time.Second)
		default:
			panic(err)
		}
	}
}

func main() {
	for tag := `""`; ; {
		whole, headers := ask(1, tag)
		if whole == nil {
			if headers.Get("Preference-Applied") == "" {
				time.Sleep(2 * time.Second)
			}
			continue
		}
		found := map[int64]campaigns.Campaign{}
		for page, pages := int32(1), whole.Page.TotalPages.Get(); whole != nil; page++ {
			for _, campaign := range whole.Data {
				found[campaign.Id] = campaign
			}
			if pages == nil || int64(page) >= *pages {
				break
			}
			whole, _ = ask(page+1, `""`)
		}
		fmt.Println(len(found), "campaigns are running")
		tag = headers.Get("ETag")
	}
}
