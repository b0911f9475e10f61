// A program for the client that openapi-generator made in Go: it prints what it saw, as JSON.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"example.com/openapi/campaigns"
)

var front, key = os.Args[1], os.Args[2]

func must[T any](value T, answer *http.Response, err error) (T, *http.Response) {
	if err != nil {
		panic(err)
	}
	return value, answer
}

func client(url string) *campaigns.APIClient {
	settings := campaigns.NewConfiguration()
	if url != "" {
		settings.Servers = campaigns.ServerConfigurations{{URL: url}}
	}
	return campaigns.NewAPIClient(settings)
}

func ids(page *campaigns.CampaignPage) []int64 {
	found := []int64{}
	for _, campaign := range page.Data {
		found = append(found, campaign.Id)
	}
	return found
}

func name(problem campaigns.Problem) string {
	return problem.Type[strings.LastIndex(problem.Type, "/")+1:]
}

// problemOf returns the status and the problem that a request gets.
func problemOf(request campaigns.ApiListCampaignsRequest) (int, campaigns.Problem) {
	_, answer, err := request.Execute()
	return answer.StatusCode, err.(*campaigns.GenericOpenAPIError).Model().(campaigns.Problem)
}

func main() {
	known := context.WithValue(context.Background(), campaigns.ContextAPIKeys,
		map[string]campaigns.APIKey{"ApiKey": {Key: key}})
	here, newFields, newWords := client(""), client(front+"/new-fields"), client(front+"/new-words")
	defaultURL := here.GetConfig().Servers[0].URL
	list := func(of *campaigns.APIClient, size int32) campaigns.ApiListCampaignsRequest {
		return of.CampaignsAPI.ListCampaigns(known).PageSize(size)
	}

	page, answer := must(list(here, 2).Execute())
	operations := map[string]int{"listCampaigns": answer.StatusCode}
	names, beginsAt := []*string{}, []any{}
	statuses, deviceTypes := []campaigns.CampaignStatus{}, []campaigns.DeviceType{}
	for _, campaign := range page.Data {
		names = append(names, campaign.Name.Get())
		statuses = append(statuses, campaign.Status)
		deviceTypes = append(deviceTypes, campaign.DeviceType)
		if begins := campaign.BeginsAt.Get(); begins == nil {
			beginsAt = append(beginsAt, nil)
		} else {
			beginsAt = append(beginsAt, begins.UTC().Format(time.RFC3339))
		}
	}
	_, unchanged, _ := list(here, 2).IfNoneMatch(answer.Header.Get("ETag")).Execute()
	second, _ := must(list(here, 2).Page(2).Execute())
	greatest, _ := must(list(here, 1).Page(5).Execute())
	packed, _ := must(list(here, 100).XRequestId("packed").Execute())
	wrong := func(of *campaigns.APIClient) (int, campaigns.Problem) {
		return problemOf(list(of, 2).BeginsFrom("2026-02-01").EndsTo("2026-01-01"))
	}
	status, problem := wrong(here)
	parameters := []string{}
	for _, fault := range problem.Errors {
		parameters = append(parameters, fault.Parameter)
	}
	refused, unauthenticated := problemOf(here.CampaignsAPI.ListCampaigns(context.Background()))
	wider, _ := must(list(newFields, 2).Execute())
	_, widerProblem := wrong(newFields)
	unheardOf, _ := must(list(newWords, 2).Execute())
	newStatuses, newDeviceTypes := []campaigns.CampaignStatus{}, []campaigns.DeviceType{}
	for _, campaign := range unheardOf.Data {
		newStatuses = append(newStatuses, campaign.Status)
		newDeviceTypes = append(newDeviceTypes, campaign.DeviceType)
	}

	me, answer := must(here.CampaignsAPI.GetMe(known).Execute())
	operations["getMe"] = answer.StatusCode
	counted, answer := must(here.CampaignsAPI.CountCampaigns(known).Execute())
	operations["countCampaigns"] = answer.StatusCode
	exported, answer := must(here.CampaignsAPI.ExportCampaigns(known).Execute())
	operations["exportCampaigns"] = answer.StatusCode
	file, err := io.ReadAll(exported)
	if err != nil {
		panic(err)
	}
	os.Remove(exported.Name())
	explained, answer := must(here.CacheAPI.ExplainQuery(known).PageSize(2).Execute())
	operations["explainQuery"] = answer.StatusCode
	health, answer := must(here.OperationsAPI.CheckHealth(known).Execute())
	operations["checkHealth"] = answer.StatusCode
	readiness, answer := must(here.OperationsAPI.CheckReadiness(known).Execute())
	operations["checkReadiness"] = answer.StatusCode
	metrics, answer := must(here.OperationsAPI.GetMetrics(known).Execute())
	operations["getMetrics"] = answer.StatusCode
	places, answer := must(here.DocumentationAPI.ListPlaces(known).Execute())
	operations["listPlaces"] = answer.StatusCode
	document, answer := must(here.DocumentationAPI.GetApiDocument(known).Execute())
	operations["getApiDocument"] = answer.StatusCode
	answer, err = here.DocumentationAPI.ReadDocs(known).Execute()
	if err != nil {
		panic(err)
	}
	operations["readDocs"] = answer.StatusCode
	answer, err = here.DocumentationAPI.ReadConsole(known).Execute()
	if err != nil {
		panic(err)
	}
	operations["readConsole"] = answer.StatusCode
	problems, answer := must(here.DocumentationAPI.ListProblems(known).Execute())
	operations["listProblems"] = answer.StatusCode
	forbidden, answer := must(here.DocumentationAPI.ExplainProblem(known, campaigns.PROBLEMNAME_FORBIDDEN).Execute())
	operations["explainProblem"] = answer.StatusCode
	purge, answer := must(here.CacheAPI.PurgeCache(known).Execute())
	operations["purgeCache"] = answer.StatusCode

	isales := readiness.Dependencies["isales"]
	err = json.NewEncoder(os.Stdout).Encode(map[string]any{
		"default_url": defaultURL,
		"operations":  operations,
		"contents": map[string]any{
			"me":        []string{string(me.Credential), me.Vdns[0].Name},
			"counted":   []any{counted.Total, counted.ByStatus.Paused},
			"exported":  bytes.Count(file, []byte("\n")),
			"explained": explained.FetchUnderWay,
			"health":    health.Status,
			"vdn":       isales.GetVdns()["1"].Status,
			"metrics":   strings.HasPrefix(metrics, "# HELP"),
			"places":    places["openapi"],
			"openapi":   document["openapi"],
			"problems":  len(problems.Problems) > 10,
			"problem":   forbidden.Status,
			"purged":    purge.Vdns,
		},
		"list": map[string]any{
			"ids":          ids(page),
			"names":        names,
			"statuses":     statuses,
			"device_types": deviceTypes,
			"begins_at":    beginsAt,
			"page":         []any{page.Page.Number, page.Page.Size, page.Page.TotalItems, page.Page.TotalPages},
			"totals":       []any{page.Totals.SkillQueue, page.Totals.Ivr},
		},
		"page_2":          ids(second),
		"greatest_id":     strconv.FormatInt(greatest.Data[0].Id, 10),
		"problem":         []any{status, name(problem), parameters},
		"unauthenticated": []any{refused, name(unauthenticated)},
		"not_modified":    unchanged.StatusCode,
		"packed":          len(packed.Data),
		"new_fields":      []any{ids(wider), name(widerProblem)},
		"new_words":       []any{ids(unheardOf), newStatuses, newDeviceTypes},
	})
	if err != nil {
		panic(err)
	}
}
