package browser_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// shows returns a JavaScript expression that is true when the statistics panel is live and displays the given number of
// fights.
func shows(total int) string {
	return fmt.Sprintf(`document.getElementById("total").textContent === "%d" && document.getElementById("link").dataset.link === "live"`, total)
}

// testLive checks that the statistics panel is updated when other clients execute fights, and that it recovers after a
// restart of the statistics service.
func testLive(browser context.Context, t *testing.T) {
	w := startWorld(t, settings(t))
	page := newTab(browser, t)
	page.look(t, 1360, "dark", "no-preference")
	page.do(t, chromedp.Navigate(w.page))
	page.wait(t, shows(0))
	const many = 12
	var slowest time.Duration
	for n := 1; n <= many; n++ {
		w.fight(t)
		begin := time.Now()
		page.wait(t, shows(n))
		slowest = max(slowest, time.Since(begin))
	}
	t.Logf("the panel showed each fight at most %s after the fight's response", slowest.Round(time.Millisecond))
	page.wait(t, `[...document.querySelectorAll("#plot rect")].some(bar => Number(bar.getAttribute("height")) > 0)`)
	w.checkPanel(t, page)
	page.wait(t, `!document.getElementById("newer").hidden`)
	page.click(t, "#newer")
	page.wait(t, fmt.Sprintf(`document.querySelectorAll("#fights li").length === %d && document.getElementById("newer").hidden`, many))
	page.click(t, "#fight")
	page.wait(t, somebodyWon+" && "+shows(many+1)+" && "+picturesAreThere)
	page.wait(t, `document.getAnimations().every(animation => animation.playState === "finished")`)
	page.shot(t, "live-dark")
	page.look(t, 1360, "light", "no-preference")

	w.parts["statistics"].Stop()
	page.wait(t, `document.getElementById("link").textContent.startsWith("Behind") && document.querySelector("#live-notice .notice").textContent.includes("statistics")`)
	w.fight(t)
	w.parts["statistics"].Start(t)
	page.wait(t, shows(many+2))
	page.wait(t, `!document.querySelector("#live-notice .notice")`)
	w.checkPanel(t, page)
}

// checkPanel checks that the statistics panel displays what the statistics service returns, and that the statistics
// match the stored fights.
func (w *world) checkPanel(t *testing.T, page *tab) {
	t.Helper()
	type ranked struct {
		Name         string
		Wins, Fights int
	}
	answer := fetchJSON[struct {
		Total, Heroes, Villains int
		TopWinners              []ranked `json:"top_winners"`
		Locations               []ranked
	}](t, "http://"+w.hosts["statistics"]+"/api/statistics")
	fights := w.fights(t)
	if answer.Total != len(fights) || answer.Heroes+answer.Villains != answer.Total {
		t.Errorf("%d fights are stored, but the statistics are %+v", len(fights), answer)
	}
	wins := map[string]int{}
	for _, fight := range fights {
		wins[fight.Winner]++
	}
	rows := []string{fmt.Sprint(answer.Heroes), fmt.Sprint(answer.Villains)}
	for _, winner := range answer.TopWinners {
		if winner.Wins != wins[winner.Name] {
			t.Errorf("%s won %d stored fights, but the statistics report %d wins", winner.Name, wins[winner.Name], winner.Wins)
		}
		rows = append(rows, fmt.Sprint(winner.Name, " ", winner.Wins))
	}
	for _, place := range answer.Locations {
		rows = append(rows, fmt.Sprint(place.Name, " ", place.Fights))
	}
	shown := eval[[]string](t, page, `[...document.querySelectorAll("#heroes-won, #villains-won")].map(won => won.textContent)
		.concat([...document.querySelectorAll("#winners li, #busiest li")].map(row => row.firstChild.textContent + " " + row.lastChild.textContent))`)
	if !slices.Equal(shown, rows) {
		t.Errorf("the panel shows %q, want %q", shown, rows)
	}
}

// testManyVisits opens the battle page again and again. The browser keeps the pages that were left for a while, and has
// only six connections to a host, so a page that is left must end its stream.
func testManyVisits(browser context.Context, t *testing.T) {
	w := startWorld(t, settings(t))
	for range 3 {
		page := open(browser, t, w.page)
		for range 3 {
			page.wait(t, fightersAreThere+" && "+shows(0))
			page.do(t, chromedp.Navigate(w.page+"/heroes"))
			page.wait(t, `document.querySelectorAll("#entries li").length === 24`)
			page.do(t, chromedp.Navigate(w.page))
		}
		page.do(t, chromedp.Navigate(w.page+"/status"))
	}
}

// testLiveStalls checks that the page reports a stalled stream and recovers: at first the stream omits a fight, and
// later it sends nothing. The page reports a missing fight after 3 s, and a silent stream after 45 s, so the test
// accelerates the tab's timers.
func testLiveStalls(browser context.Context, t *testing.T) {
	w := startWorld(t, settings(t))
	w.parts["statistics"].Behave(w.stalling())
	page := newTab(browser, t)
	page.look(t, 1360, "light", "no-preference")
	page.hurried(t)
	page.do(t, chromedp.Navigate(w.page))
	page.wait(t, fightersAreThere+" && "+shows(0))
	page.click(t, "#fight")
	page.wait(t, somebodyWon)
	page.wait(t, `document.getElementById("link").textContent === "Behind: a fight is not counted yet"`)
	page.wait(t, `document.getElementById("link").textContent === "Behind: reconnecting" && document.querySelector("#live-notice [role=alert]").textContent.includes("fell silent")`)
	w.parts["statistics"].Behave(w.passing("statistics"))
	page.click(t, "#live-notice button")
	page.wait(t, shows(1)+` && !document.querySelector("#live-notice .notice")`)
	page.checkQuiet(t, strings.TrimPrefix(w.page, "http://"))
}
