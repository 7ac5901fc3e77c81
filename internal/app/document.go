package app

import (
	"log/slog"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"superheroes/internal/catalog"
	"superheroes/internal/fight"
	"superheroes/internal/httpserver"
	"superheroes/internal/statistics"
	"superheroes/internal/web"
)

const description = "Part of Super Heroes in Go. Errors are problem documents (RFC 9457): " +
	"400 if the body is not a single JSON value, 422 if a value in the path, the query or the body is invalid."

// newAPI returns a service's API, to which the caller adds routes.
func newAPI(service, version string, cfg httpserver.Config, log *slog.Logger) *httpserver.API {
	title := strings.ToUpper(service[:1]) + service[1:]
	return httpserver.NewAPI(huma.Info{Title: title, Description: description, Version: version}, log, cfg)
}

// Documents returns the OpenAPI documents by service name, without starting the services.
func Documents(version string) (map[string][]byte, error) {
	add := map[string]func(*httpserver.API){
		"heroes":    heroes().document,
		"villains":  villains().document,
		"locations": locations().document,
		"fights":    func(api *httpserver.API) { web.AddFights(new(fight.Service), api) },
		"statistics": func(api *httpserver.API) {
			web.AddStatistics(new(statistics.Service), api, web.StatisticsLimits{})
		},
	}
	documents := map[string][]byte{}
	for service, addRoutes := range add {
		api := newAPI(service, version, httpserver.Config{}, slog.New(slog.DiscardHandler))
		addRoutes(api)
		api.AddHealth(httpserver.Health{Service: service})
		document, err := api.OpenAPI()
		if err != nil {
			return nil, err
		}
		documents[service] = document
	}
	return documents, nil
}

// document adds the catalog's routes without a store, to generate the OpenAPI document.
func (k catalogKind[T]) document(api *httpserver.API) {
	web.AddCatalog(catalog.NewService(k.Kind, nil, 0), api, httpserver.NewAdmin(""))
}
