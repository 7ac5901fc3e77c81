package behaviour

// The entities of the contract. An id is null where a fight was posted without one.
type (
	character struct {
		ID        *int64 `json:"id"`
		Name      string `json:"name"`
		OtherName string `json:"otherName"`
		Level     int32  `json:"level"`
		Picture   string `json:"picture"`
		Powers    string `json:"powers"`
	}
	location struct {
		ID          *int64 `json:"id"`
		Name        string `json:"name"`
		Description string `json:"description"`
		Picture     string `json:"picture"`
		Type        string `json:"type"`
	}
	fight struct {
		ID            string    `json:"id"`
		Date          string    `json:"fight_date"`
		WinnerName    string    `json:"winner_name"`
		WinnerLevel   int32     `json:"winner_level"`
		WinnerPowers  string    `json:"winner_powers"`
		WinnerPicture string    `json:"winner_picture"`
		WinnerTeam    string    `json:"winner_team"`
		LoserName     string    `json:"loser_name"`
		LoserLevel    int32     `json:"loser_level"`
		LoserPowers   string    `json:"loser_powers"`
		LoserPicture  string    `json:"loser_picture"`
		LoserTeam     string    `json:"loser_team"`
		Hero          character `json:"hero"`
		Villain       character `json:"villain"`
		Location      *location `json:"location"`
	}
	problem struct {
		Title  string  `json:"title"`
		Status int     `json:"status"`
		Detail string  `json:"detail"`
		Errors []place `json:"errors"`
	}
	place struct {
		Location string `json:"location"`
		Message  string `json:"message"`
	}
)

// The exact fields, in the order of the contract.
var (
	characterFields = []string{"id", "name", "otherName", "level", "picture", "powers"}
	locationFields  = []string{"id", "name", "description", "picture", "type"}
	fightFields     = []string{
		"id", "fight_date",
		"winner_name", "winner_level", "winner_powers", "winner_picture", "winner_team",
		"loser_name", "loser_level", "loser_powers", "loser_picture", "loser_team",
		"hero", "villain", "location",
	}
)

// room is one of the three catalogs.
type room struct {
	service, singular string
	fields            []string
}

var rooms = []room{
	{"heroes", "hero", characterFields},
	{"villains", "villain", characterFields},
	{"locations", "location", locationFields},
}

func (r room) path() string   { return "/api/" + r.service }
func (r room) random() string { return r.path() + "/random_" + r.singular }
