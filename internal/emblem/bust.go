package emblem

// layer is one filled path of a drawing in a tone of the palette.
type layer struct {
	tone     tone
	d        string
	mirrored bool // drawn again, mirrored at the vertical axis
}

// eyes says how much of the eyes a head leaves visible.
type eyes int

const (
	openEyes eyes = iota // the bare face: with or without a mask
	lensEyes             // the white lenses of a full mask
	noEyes               // drawn with the head, or hidden
)

// head is a character's hair, helmet or mask. The face is centred at (120, 92) and
// 64 wide; back is drawn behind it, front in front of it.
type head struct {
	back, front []layer
	eyes        eyes
}

func heroHeads() []head {
	return []head{
		{ // short hair
			front: []layer{{tone: hair, d: "M86 86C82 46 106 38 124 42C146 40 160 56 154 86C152 72 142 64 132 66C116 68 100 64 94 70C90 74 88 80 86 86Z"}},
		},
		{ // spiky hair
			front: []layer{{tone: hair, d: "M84 88L74 62L90 64L88 40L106 50L120 28L132 50L152 38L150 63L166 60L156 88C150 68 132 62 120 68C104 62 90 70 84 88Z"}},
		},
		{ // long hair
			back:  []layer{{tone: hair, d: "M78 84C74 34 166 34 162 84V146C154 158 142 156 138 150H102C98 156 86 158 78 146Z"}},
			front: []layer{{tone: hair, d: "M86 90C86 52 112 46 120 56C132 46 154 54 154 90C148 72 132 68 114 62C108 70 92 74 86 90Z"}},
		},
		{ // round hair
			back:  []layer{{tone: hair, d: "M120 24A46 46 0 0 1 160 92Q160 104 150 106H90Q80 104 80 92A46 46 0 0 1 120 24Z"}},
			front: []layer{{tone: hair, d: "M88 82C90 58 150 58 152 82C146 70 132 66 120 68C108 66 94 70 88 82Z"}, {tone: trim, d: "M84 70C96 56 144 56 156 70L154 78C142 64 98 64 86 78Z"}},
		},
		{ // cowl with ears
			front: []layer{
				{tone: cape, d: "M84 106V74C84 36 156 36 156 74V106L142 112L120 102L98 112Z"},
				{tone: cape, d: "M86 66L80 18L110 48Z", mirrored: true},
				{tone: glow, d: "M91 54L86 32L101 48Z", mirrored: true},
			},
			eyes: lensEyes,
		},
		{ // helmet with a crest
			front: []layer{
				{tone: trim, d: "M108 52C106 22 134 22 132 52V40Z"},
				{tone: suit, d: "M82 112V78C82 34 158 34 158 78V112L146 118V90L120 84L94 90V118Z"},
				{tone: trim, d: "M82 84C94 74 146 74 158 84V92L120 82L82 92Z"},
				{tone: trim, d: "M114 26Q120 20 126 26V80L120 88L114 80Z"},
			},
		},
		{ // hood
			back: []layer{{tone: cape, d: "M72 150C60 60 88 28 120 22C152 28 180 60 168 150L120 170Z"}},
			front: []layer{
				{tone: cape, d: "M76 132C66 62 92 32 120 26C148 32 174 62 164 132L152 118C158 84 146 60 120 56C94 60 82 84 88 118Z"},
				{tone: trim, d: "M88 118C82 84 94 60 120 56C146 60 158 84 152 118L148 112C152 86 142 66 120 62C98 66 88 86 92 112Z"},
			},
		},
		{ // winged helmet
			front: []layer{
				{tone: trim, d: "M86 76L50 40L68 42L58 20L80 32L78 14L102 48Z", mirrored: true},
				{tone: suit, d: "M84 88C82 36 158 36 156 88L146 82C128 74 112 74 94 82Z"},
				{tone: shade, d: "M84 88C92 72 148 72 156 88V96C140 82 100 82 84 96Z"},
				{tone: trim, d: "M120 52L128 64L120 76L112 64Z"},
			},
		},
		{ // full mask
			front: []layer{
				{tone: suit, d: "M86 78C86 40 154 40 154 78V98C154 120 136 134 120 134C104 134 86 120 86 98Z"},
				{tone: shade, d: "M120 48C158 46 156 92 154 98C154 120 136 134 120 134Z"},
				{tone: trim, d: "M116 50H124L122 84H118Z"},
				{tone: trim, d: "M112 114H128L124 120H116Z"},
			},
			eyes: lensEyes,
		},
		{ // glass helmet
			back: []layer{{tone: suit, d: "M68 90A52 52 0 0 1 172 90C172 124 154 146 120 146C86 146 68 124 68 90Z"}, {tone: shade, d: "M120 38A52 52 0 0 1 172 90C172 124 154 146 120 146Z"}},
			front: []layer{
				{tone: hair, d: "M88 80C88 56 152 56 152 80C142 66 98 66 88 80Z"},
				{tone: trim, d: "M62 92A10 14 0 0 1 76 80V112A10 14 0 0 1 62 100Z", mirrored: true},
				{tone: trim, d: "M84 136Q120 154 156 136V148Q120 166 84 148Z"},
			},
		},
		{ // veil and circlet
			back:  []layer{{tone: hair, d: "M82 84C80 40 160 40 158 84V120H82Z"}},
			front: []layer{{tone: hair, d: "M86 86C88 50 152 50 154 86C146 66 94 66 86 86Z"}, {tone: trim, d: "M84 78C100 66 140 66 156 78V84C140 72 100 72 84 84Z"}, {tone: trim, d: "M120 58L128 72L120 84L112 72Z"}, {tone: suit, d: "M88 104Q120 92 152 104C150 128 132 142 120 146C108 142 90 128 88 104Z"}, {tone: shade, d: "M120 98Q138 98 152 104C150 128 132 142 120 146Z"}},
		},
		{ // beard and brow
			back:  []layer{{tone: hair, d: "M84 82C80 38 160 38 156 82V100H84Z"}},
			front: []layer{{tone: hair, d: "M86 84C88 54 110 50 118 62C130 48 152 56 154 84C144 68 98 66 86 84Z"}, {tone: hair, d: "M86 96C92 110 104 106 120 106C136 106 148 110 154 96C160 126 140 148 120 156C100 148 80 126 86 96Z"}, {tone: skin, d: "M108 114Q120 110 132 114Q120 124 108 114Z"}},
		},
	}
}

func villainHeads() []head {
	return []head{
		{ // horned helmet
			front: []layer{
				{tone: trim, d: "M92 62C66 60 50 38 58 10C66 32 84 42 108 46Z", mirrored: true},
				{tone: suit, d: "M82 120V78C82 34 158 34 158 78V120L140 134L132 104L152 88L120 94L88 88L108 104L100 134Z"},
				{tone: shade, d: "M120 44C146 44 158 56 158 78V120L140 134L132 104L152 88L120 94Z"},
			},
			eyes: noEyes,
		},
		{ // empty hood
			back: []layer{{tone: cape, d: "M66 156C54 60 88 24 120 16C152 24 186 60 174 156Z"}},
			front: []layer{
				{tone: dark, d: "M84 76C84 40 156 40 156 76V104C156 126 136 140 120 140C104 140 84 126 84 104Z"},
				{tone: shade, d: "M72 142C62 62 90 28 120 20C150 28 178 62 168 142L154 120C160 82 146 58 120 52C94 58 80 82 86 120Z"},
				{tone: trim, d: "M94 88L114 96C108 104 98 100 94 88Z", mirrored: true},
			},
			eyes: noEyes,
		},
		{ // crown of spikes
			back: []layer{{tone: hair, d: "M82 76C82 40 158 40 158 76V132L146 142H94L82 132Z"}},
			front: []layer{
				{tone: trim, d: "M84 74L70 26L96 50L104 16L120 44L136 16L144 50L170 26L156 74C140 64 100 64 84 74Z"},
				{tone: suit, d: "M120 50L127 60L120 70L113 60Z"},
			},
		},
		{ // skull
			front: []layer{
				{tone: light, d: "M84 84C80 38 160 38 156 84C156 98 150 104 146 108V132H94V108C90 104 84 98 84 84Z"},
				{tone: bone, d: "M120 48C150 46 158 66 156 84C156 98 150 104 146 108V132H136V106C146 92 146 64 120 48Z"},
				{tone: dark, d: "M92 82C100 74 112 78 114 90C114 102 96 104 92 96Z", mirrored: true},
				{tone: trim, d: "M103 86A5 5 0 1 0 103 96A5 5 0 1 0 103 86Z", mirrored: true},
				{tone: dark, d: "M120 98L126 110H114Z"},
				{tone: dark, d: "M98 118H142V121H98ZM107 114H109V132H107ZM119 114H121V132H119ZM131 114H133V132H131Z"},
			},
			eyes: noEyes,
		},
		{ // sleek hair and a pointed beard
			front: []layer{
				{tone: hair, d: "M84 92C78 42 162 42 156 92L148 68L120 86L92 68Z"},
				{tone: hair, d: "M104 118Q120 110 136 118L120 148Z"},
			},
		},
		{ // machine
			front: []layer{
				{tone: trim, d: "M117 20H123V46H117ZM120 14A7 7 0 1 1 120 28A7 7 0 1 1 120 14Z"},
				{tone: suit, d: "M82 114V66L98 42H142L158 66V114L140 136H100Z"},
				{tone: shade, d: "M120 42H142L158 66V114L140 136H120Z"},
				{tone: dark, d: "M90 78H150V98L144 104H96L90 98Z"},
				{tone: trim, d: "M96 84L114 88V96H100Z", mirrored: true},
				{tone: dark, d: "M104 114H136V118H104ZM106 122H134V126H106Z"},
				{tone: trim, d: "M72 78H82V104H72Z", mirrored: true},
			},
			eyes: noEyes,
		},
		{ // beaked mask
			back: []layer{{tone: cape, d: "M74 150C66 60 90 30 120 26C150 30 174 60 166 150Z"}},
			front: []layer{
				{tone: shade, d: "M82 124C72 62 94 38 120 34C146 38 168 62 158 124L146 128L120 60L94 128Z"},
				{tone: light, d: "M90 74Q120 58 150 74L148 100L132 112L120 168L108 112L92 100Z"},
				{tone: bone, d: "M120 66Q138 66 150 74L148 100L132 112L120 168Z"},
				{tone: dark, d: "M104 78A11 11 0 1 0 104 100A11 11 0 1 0 104 78Z", mirrored: true},
				{tone: trim, d: "M104 83A6 6 0 1 0 104 95A6 6 0 1 0 104 83Z", mirrored: true},
			},
			eyes: noEyes,
		},
		{ // wild mane
			back: []layer{{tone: hair, d: "M120 150L92 160L94 146L68 146L78 128L56 116L74 102L54 82L76 76L66 50L90 54L92 28L110 42L122 18L134 42L152 28L152 54L176 50L166 76L186 82L166 102L184 116L162 128L172 146L146 146L148 160Z"}},
			front: []layer{
				{tone: hair, d: "M86 88L92 58L104 68L112 52L122 66L134 52L138 68L150 58L154 88L142 74L132 80L120 72L108 80L98 74Z"},
				{tone: suit, d: "M138 82L142 80L146 118L142 116Z"},
			},
		},
		{ // horns and bare skin
			front: []layer{
				{tone: light, d: "M92 64C76 52 72 34 80 14C86 34 96 44 112 50Z", mirrored: true},
				{tone: bone, d: "M92 64C86 60 81 54 79 48L88 42C93 46 100 49 112 50Z", mirrored: true},
				{tone: hair, d: "M94 72L120 58L146 72L120 66Z"},
				{tone: skin, d: "M88 92L70 78L86 108Z", mirrored: true},
			},
		},
		{ // half mask
			back: []layer{{tone: hair, d: "M82 80C80 36 160 36 158 80V112H82Z"}},
			front: []layer{
				{tone: hair, d: "M84 88C84 46 118 44 122 54C138 44 158 56 156 88C150 70 138 66 124 66C108 64 92 70 84 88Z"},
				{tone: light, d: "M120 68C138 66 152 74 154 84V100C152 112 146 118 140 122C142 108 130 104 120 106Z"},
				{tone: dark, d: "M124 92Q136 82 148 88Q140 100 124 92Z"},
				{tone: trim, d: "M132 88H139V94H132Z"},
				{tone: trim, d: "M92 94L114 96C108 104 98 102 92 94Z"},
			},
			eyes: noEyes,
		},
		{ // many spikes and a visor
			front: []layer{
				{tone: shade, d: "M86 70L62 48L88 52L84 24L106 46L120 12L134 46L156 24L152 52L178 48L154 70Z"},
				{tone: suit, d: "M82 122V80C82 38 158 38 158 80V122L132 138H108Z"},
				{tone: dark, d: "M86 84L120 92L154 84V98L120 108L86 98Z"},
				{tone: trim, d: "M92 89L118 96V102L92 95Z", mirrored: true},
				{tone: shade, d: "M108 116L112 136H108L102 118ZM118 116H122V138H118ZM132 116L128 136H132L138 118Z"},
			},
			eyes: noEyes,
		},
	}
}

// heroBacks and villainBacks return the shapes drawn behind the shoulders.
func heroBacks() [][]layer {
	return [][]layer{
		{{tone: cape, d: "M4 240C10 184 52 152 96 142H144C188 152 230 184 236 240Z"}},
		{{tone: cape, d: "M16 240L36 176L96 144H144L204 176L224 240Z"}, {tone: trim, d: "M36 176L96 144L104 152L44 184Z", mirrored: true}},
		{{tone: trim, d: "M60 176L8 132L30 134L2 104L40 116L30 92L90 152Z", mirrored: true}, {tone: cape, d: "M60 176L24 144L44 142L28 122L54 130L50 116L96 152Z", mirrored: true}},
		{},
	}
}

func villainBacks() [][]layer {
	return [][]layer{
		{{tone: cape, d: "M90 172L48 92L104 138H136L192 92L150 172Z"}, {tone: shade, d: "M94 168L60 108L104 144Z", mirrored: true}},
		{{tone: cape, d: "M0 240L22 178L44 196L62 160L96 144H144L178 160L196 196L218 178L240 240Z"}},
		{{tone: cape, d: "M40 190C10 150 16 104 40 76C38 104 50 116 62 118C58 96 66 86 76 78C74 112 92 132 100 148Z", mirrored: true}, {tone: shade, d: "M46 184C24 152 24 124 34 102C38 122 50 130 62 132C66 120 70 112 74 108C78 130 92 142 98 152Z", mirrored: true}},
		{{tone: cape, d: "M8 240C14 180 60 148 96 140H144C180 148 226 180 232 240Z"}},
	}
}

// torso returns the neck, the suit and the suit's shaded half.
func torso() []layer {
	return []layer{
		{tone: suit, d: "M30 240C32 196 62 172 104 158H136C178 172 208 196 210 240Z"},
		{tone: shade, d: "M120 158H136C178 172 208 196 210 240H120Z"},
		{tone: skin, d: "M105 112H135V158L120 174L105 158Z"},
	}
}

// heroCollars and villainCollars return the shapes drawn on the torso, under the shield.
func heroCollars() [][]layer {
	return [][]layer{
		{{tone: trim, d: "M100 156L120 180L140 156L148 160L120 194L92 160Z"}},
		{{tone: trim, d: "M30 240C30 206 44 190 66 178C84 190 84 214 76 240Z", mirrored: true}},
		{{tone: cape, d: "M82 164C92 152 104 150 120 160C136 150 148 152 158 164C148 186 132 188 120 182C108 188 92 186 82 164Z"}},
		{{tone: trim, d: "M76 172L90 164L112 240H96Z", mirrored: true}},
		{{tone: cape, d: "M66 178L104 158L120 174L136 158L174 178L150 190L120 182L90 190Z"}},
	}
}

func villainCollars() [][]layer {
	return [][]layer{
		{{tone: cape, d: "M24 214L12 152L48 176L56 148L98 166L62 190Z", mirrored: true}},
		{{tone: trim, d: "M88 162L104 186L112 172L120 194L128 172L136 186L152 162L136 158L120 172L104 158Z"}},
		{{tone: cape, d: "M30 240C30 206 44 190 66 178C84 190 84 214 76 240Z", mirrored: true}, {tone: trim, d: "M40 196L44 170L56 184ZM30 216L22 194L38 202Z", mirrored: true}},
		{{tone: cape, d: "M92 160L120 176L148 160L168 240H72Z"}, {tone: trim, d: "M92 160L120 176L148 160L152 172L120 188L88 172Z"}},
	}
}

// shields returns the outlines of the plate on the chest, around the origin.
func shields() []string {
	return []string{
		"M-25-22C-12-18-6-22 0-27C6-22 12-18 25-22V2C25 16 12 24 0 29C-12 24-25 16-25 2Z",
		"M0-30L28 0L0 30L-28 0Z",
		"M0-26A26 26 0 1 1 0 26A26 26 0 1 1 0-26Z",
		"M-14-25H14L28 0L14 25H-14L-28 0Z",
		"M-28-20H28L24 4L0 30L-24 4Z",
		"M0-30L8-22H22V-8L30 0L22 8V22H8L0 30L-8 22H-22V8L-30 0L-22-8V-22H-8Z",
	}
}
