package app

import (
	"log/slog"

	"github.com/danielgtaylor/huma/v2"

	"superheroes/internal/catalog"
	"superheroes/internal/fight"
	"superheroes/internal/httpserver"
	"superheroes/internal/statistics"
	"superheroes/internal/web"
)

const description = "Part of Super Heroes in Go. Errors are problem answers (RFC 9457): 400 when a body is not one JSON text, " +
	"422 when a value in a path, a query or a body is refused."

// newAPI returns the API of a service, without routes.
func newAPI(service, version string, cfg httpserver.Config, log *slog.Logger) *httpserver.API {
	titles := map[string]string{"heroes": "Heroes", "villains": "Villains", "locations": "Locations", "fights": "Fights", "statistics": "Statistics"}
	return httpserver.NewAPI(huma.Info{Title: titles[service], Description: description, Version: version}, log, cfg)
}

// Documents returns the OpenAPI document of every service, by name, without starting any.
func Documents(version string) (map[string][]byte, error) {
	admin := httpserver.NewAdmin("")
	add := map[string]func(*httpserver.API){
		"heroes":   func(api *httpserver.API) { web.AddCatalog(catalog.NewService(heroes().Kind, nil, 0), api, admin) },
		"villains": func(api *httpserver.API) { web.AddCatalog(catalog.NewService(villains().Kind, nil, 0), api, admin) },
		"locations": func(api *httpserver.API) {
			web.AddCatalog(catalog.NewService(locations().Kind, nil, 0), api, admin)
		},
		"fights": func(api *httpserver.API) { web.AddFights(new(fight.Service), api) },
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
