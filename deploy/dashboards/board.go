package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// board is a dashboard.
type board struct {
	name, title, description string
	variables                []*dashboard.TextBoxVariableBuilder // in addition to those of every dashboard
	rows                     []row
}

// row is a row of panels under a heading.
type row struct {
	title  string
	panels []panel
}

// panel shows the results of queries over time, or only the latest ones if it is a stat.
type panel struct {
	title, unit, description string
	stat                     bool
	objective                float64 // a stat with a lower value is red
	queries                  []query
}

// query is a PromQL query. In its text, $selected stands for the matchers of job, instance and service, and $all for
// those of job and instance. The legend may contain labels, such as {{service}}.
type query struct {
	legend, text string
	exemplars    bool // whether the panel shows the exemplars of the histogram, which link to traces
}

const (
	all      = `job=~"$job", instance=~"$instance"`
	selected = all + `, service=~"$service"`
)

func (q query) expr() string {
	return strings.NewReplacer("$selected", selected, "$all", all).Replace(q.text)
}

func (b board) file() string { return b.name + ".json" }

// json returns the dashboard in Grafana's import format.
func (b board) json() ([]byte, error) {
	built, err := b.build()
	if err != nil {
		return nil, fmt.Errorf("building dashboard %s: %w", b.name, err)
	}
	text, err := json.MarshalIndent(built, "", "  ")
	return append(text, '\n'), err
}

func (b board) build() (dashboard.Dashboard, error) {
	builder := dashboard.NewDashboardBuilder("Super Heroes: "+b.title).
		Uid("superheroes-"+b.name).Description(b.description).Tags([]string{"superheroes"}).
		Readonly().Timezone("browser").Time("now-1h", "now").Refresh("30s").Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Data source").Type("prometheus")).
		WithVariable(labelVariable("job", "Job", "superheroes_build_info")).
		WithVariable(labelVariable("instance", "Instance", `superheroes_build_info{job=~"$job"}`)).
		WithVariable(labelVariable("service", "Service", `{__name__=~"superheroes_build_info|go_info", `+all+`}`)).
		Link(dashboard.NewDashboardLinkBuilder("Super Heroes").Type(dashboard.DashboardLinkTypeDashboards).
			Tags([]string{"superheroes"}).AsDropdown(true).IncludeVars(true).KeepTime(true))
	for _, variable := range b.variables {
		builder.WithVariable(variable)
	}
	id := uint32(0)
	for _, row := range b.rows {
		builder.WithRow(dashboard.NewRowBuilder(row.title))
		for _, panel := range row.panels {
			id++
			if panel.stat {
				builder.WithPanel(panel.asStat().Id(id))
			} else {
				builder.WithPanel(panel.asTimeSeries().Id(id))
			}
		}
	}
	return builder.Build()
}

// labelVariable returns a variable whose choices are the values of a label.
func labelVariable(name, label, selector string) *dashboard.QueryVariableBuilder {
	return dashboard.NewQueryVariableBuilder(name).Label(label).Datasource(datasource()).
		Query(dashboard.StringOrMap{String: new("label_values(" + selector + ", " + name + ")")}).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).Sort(dashboard.VariableSortAlphabeticalAsc).
		Multi(true).IncludeAll(true).AllValue(".+").
		Current(dashboard.VariableOption{
			Text:  dashboard.StringOrArrayOfString{String: new("All")},
			Value: dashboard.StringOrArrayOfString{String: new("$__all")},
		})
}

// datasource returns a reference to the data source chosen by the user.
func datasource() common.DataSourceRef {
	return common.DataSourceRef{Type: new("prometheus"), Uid: new("${datasource}")}
}

func (p panel) asTimeSeries() *timeseries.PanelBuilder {
	builder := timeseries.NewPanelBuilder().
		Title(p.title).Description(p.description).Unit(p.unit).Datasource(datasource()).
		ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdPaletteClassic)).
		Span(8).Height(8).Min(0).FillOpacity(10).ShowPoints(common.VisibilityModeNever).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).DisplayMode(common.LegendDisplayModeList).
			Placement(common.LegendPlacementBottom)).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	for i, q := range p.queries {
		builder.WithTarget(q.target(i).Range())
	}
	return builder
}

func (p panel) asStat() *stat.PanelBuilder {
	builder := stat.NewPanelBuilder().
		Title(p.title).Description(p.description).Unit(p.unit).Datasource(datasource()).
		ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdThresholds)).
		Thresholds(dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps([]dashboard.Threshold{
			{Color: "red"}, {Color: "green", Value: &p.objective},
		})).
		Span(6).Height(4).ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}))
	if p.objective > 0 {
		builder.Decimals(2)
	}
	for i, q := range p.queries {
		builder.WithTarget(q.target(i).Instant())
	}
	return builder
}

func (q query) target(i int) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().RefId(string(rune('A' + i))).Datasource(datasource()).
		Expr(q.expr()).LegendFormat(q.legend).Exemplar(q.exemplars)
}
