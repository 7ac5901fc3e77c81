package narration

// The grammar. Each line is a sentence without its period; story says how a line is expanded. The slots are {hero},
// {villain}, {place}, {at} (the place after its preposition), {winner} and {loser} (by name or as "the hero"), and properties
// such as {winner's power}. No sentence has a pronoun for a fighter.

// openings begin a fight that has a location.
const openings = `[Nobody|Hardly anyone] {at} expected {hero} and {villain} to [cross paths|meet|come face to face]
{hero} [caught up with|ran into|tracked down|confronted] {villain} {at}
{villain} [lay in wait|stood waiting|had been waiting] for {hero} {at}
[It began|It all began|The trouble began] {at}, where {hero} and {villain} [both refused to step aside|met at last|laid claim to the same ground]
{place} [fell silent|went quiet|held its breath] as {hero} [stepped out|came forward|walked up] to face {villain}
[Word had it|Rumor had it] that {villain} had come to {place}, and {hero} [could not stay away|was quick to follow|came to see for certain]
{hero} and {villain} had [a score to settle|unfinished business|an old quarrel], and {place} [was the place to settle it|would see the end of it]
[Dawn|Dusk|Midnight|Noon] {at} found {hero} and {villain} [face to face|eye to eye|toe to toe]
[A crowd gathered|People came running] {at} as soon as {hero} and {villain} [squared up|locked eyes|began to circle each other]
Whatever brought {hero} and {villain} to {place}, [neither had come to talk|it was not the view|it was not friendship]
{villain} [chose|picked] {place}; {hero} chose [the moment|the hour]
Trouble had been brewing {at} [for days|for weeks|all morning] before {hero} and {villain} [came to blows|finally met]
{hero} [reached|got to] {place} [with moments to spare|just in time|out of breath], and there stood {villain}
Of all the places to run into {villain}, {hero} [had least expected|had not counted on|would not have chosen] {place}
Only one of them would leave {place} [smiling|in triumph|with a story to tell]: {hero} or {villain}
They still talk about the [day|night|morning] {hero} [took on|stood up to|challenged] {villain} {at}
[This time|Once again|For one day], {place} had to make room for both {hero} and {villain}
{villain} wanted {place}, and {hero} [was in the way|had other ideas|said no]
`

// openingsOn returns further openings for a kind of location, if there are any.
func openingsOn(kind string) string {
	switch kind {
	case "CITY":
		return `The streets of {place} [emptied|cleared] when {hero} [called out|challenged|met] {villain}
Every rooftop in {place} had [a spectator|someone on it] by the time {hero} [met|faced|challenged] {villain}
[Shutters|Doors] banged shut all over {place}: {hero} and {villain} were [in town|at it again]
`
	case "COUNTRY":
		return `{hero} crossed into {place} [an hour|a day|minutes] behind {villain}, and [closed the gap|caught up] before [nightfall|long]
No border guard in {place} [dared to stop|thought of stopping] {villain}; {hero} [had more nerve|took over]
`
	case "ISLAND":
		return `There is nowhere to run on an island, so {hero} and {villain} [stood and fought|had it out] {at}
{villain} thought {place} deserted, but {hero} [had just landed|was already ashore]
`
	case "PLANET", "MOON":
		return `It is a long way to {place}, but {hero} and {villain} [made the trip|came all the same] to [settle things|have it out]
A whole world is a lot of room, yet {hero} and {villain} [met|collided|found each other] {at}
{place} [proved|turned out to be] too small for both {hero} and {villain}
`
	}
	return ""
}

// openingsNowhere begin a fight without a location.
const openingsNowhere = `Nobody remembers where {hero} and {villain} met, only [that they did|how it ended|the noise]
{hero} and {villain} met [far from anywhere|in the middle of nowhere], [and neither looked away|which suited them both|by chance or not]
{villain} [threw down|issued] a challenge, and {hero} [took it up|accepted|did not need to be asked twice]
There was no [warning|ceremony|small talk]: {hero} and {villain} [went straight at each other|simply began]
{hero} [had|had always had] one thing to say to {villain}, and [not in words|it was not hello]
Somewhere, at some hour, {hero} and {villain} [crossed paths|ran out of patience|met at last]
The [map|chronicle] does not say where {hero} [caught up with|faced|challenged] {villain}
It was [only a matter of time|bound to happen] before {hero} and {villain} [came to blows|met|stood face to face]
{hero} and {villain} had [a score to settle|unfinished business|an old quarrel], and [any place would do|they settled it on the spot]
`

// attacks tell of the loser's power. They come before answers.
const attacks = `{loser}’s {loser's power} [made an impression|looked promising|caused a stir|held up well], but [not for long|only for a moment]
{loser} [tried|fell back on|turned to] the famous {loser's power}, [and for a moment it seemed to work|with everything to play for|to gasps all round]
First came {loser}’s {loser's power}, [fast and furious|without any warning|exactly as the stories tell it]
{loser} went in [early|hard|first], [counting on|trusting in] the {loser's power} that [had settled so many fights before|had never failed before|everyone feared]
Few had ever [stood up to|withstood] {loser}’s {loser's power}; {winner} [did|managed it|became one of the few]
Everyone had heard of {loser}’s {loser's power}, [{winner} included|so {winner} kept a safe distance|and {winner} had come prepared]
{winner} [weathered|shrugged off|stood up to|endured] {loser}’s {loser's power} [without a word|and waited|more than once]
It was {loser}’s {loser's power} that [began it|set things off|opened the fight]
Against anyone else, {loser}’s {loser's power} [would have been enough|would have settled it|might have carried the day]
For a [heartbeat|moment], {loser}’s {loser's power} looked like [enough|trouble|the answer]
{loser} [led with|leaned on|counted on] the {loser's power}, as [always|ever|anyone would]
[Stories|Songs|Whole books] have been written about {loser}’s {loser's power}, [though not about this day|and some of them are true]
{loser} gave {winner} a [taste|first taste|reminder] of the old {loser's power}
`

// doubleAttacks use two powers of the loser.
const doubleAttacks = `First came {loser}’s {loser's power}, then the {loser's other power}, [and then nothing was left to try|and {winner} had an eye on both|in quick succession]
When the {loser's power} [failed|was not enough|got nowhere], {loser} [turned to|tried|fell back on] the {loser's other power}
{loser} had the {loser's power}, the {loser's other power} and [a plan|high hopes|every intention of winning]
Between the {loser's power} and the {loser's other power}, {loser} had reason to [hope|feel confident|smile]
`

// answers tell of the winner's power. They must make sense without an attack before them.
const answers = `Then {winner}’s {winner's power} [changed|decided|settled] everything
{winner} [stepped in|weighed in] with the {winner's power} [that had ended so many fights|of legend|nobody had seen coming]
{winner}’s {winner's power} [made all the difference|had the last word|did the rest|turned the fight]
{loser} had [no answer to|nothing to set against|not reckoned with|no remedy for] {winner}’s {winner's power}
Once {winner}’s {winner's power} [came into play|entered the fight], {loser} [gave ground|could only retreat|stopped smiling]
{winner} [waited|paused|took a breath], then [unleashed|brought out|let loose] the {winner's power}
{winner} had [saved|kept|held back] the {winner's power} for [the right moment|exactly this]
It [took|needed] {winner}’s {winner's power} to [turn the fight|end the argument|show the way]
{loser} [looked up|turned around|blinked], and {winner}’s {winner's power} [did the rest|left no time to think]
The {winner's power} of {winner} [proved too much|came as a shock|found every gap]
Somewhere in the [noise|dust|confusion], {winner}’s {winner's power} [went to work|made the difference|took over]
{winner} [smiled|nodded|shrugged] and let the {winner's power} [speak|do the talking|answer]
{loser} [never|hardly] [saw {winner}’s {winner's power} coming|believed in {winner}’s {winner's power}]
There is a reason people [whisper about|talk about|fear] {winner}’s {winner's power}
`

// doubleAnswers use two powers of the winner.
const doubleAnswers = `{winner} [joined|added] {winner's power} to {winner's other power}, and [that was that|it told]
Against {winner}’s {winner's power} and {winner's other power}, {loser} had [no plan|very little|only courage]
{loser} [was ready|had prepared|had trained] for {winner}’s {winner's power}, but [not for|not at all for|hardly for] the {winner's other power}
What {winner}’s {winner's power} [began|started], the {winner's other power} [finished|completed|made permanent]
First the {winner's power}, then the {winner's other power}: {winner} was [thorough|in full flow|in no mood to wait]
`

// blows tell of a fight in which no powers are known.
const blows = `They [traded|exchanged] blows until [the dust rose|nobody could keep count|the ground shook]
{loser} [charged|lunged|swung] first; {winner} [stepped aside|stood firm|was quicker]
[No tricks|No powers|No gadgets], no help: just {winner} and {loser}, [blow for blow|face to face|hand to hand]
What followed was [loud|brief|short on finesse], and [most of it came from {winner}|{winner} started to like it]
{winner} and {loser} [circled|sized each other up], and then [it all happened at once|neither held back]
Nobody had told {winner} what {loser} could do, [and vice versa|which helped]
{loser} [threw|swung] the first punch and {winner} [threw|swung] the better one
`

// tiedEndings are for equal levels.
const tiedEndings = `Nothing separated the two of them, [and the tie went to|so the tie fell to] {winner}
Level {winner's level} on both sides: {winner} took it [by the rules|on the tie|and nobody can say how]
Neither gave an inch, and {winner} was [simply|merely] the one still standing
It was as even as a fight can be, and {winner} [got the verdict|took the tie]
A [coin|feather] would have landed on its edge, but the [verdict|tie] went to {winner}
`

// narrowEndings are for a win that was in doubt.
const narrowEndings = `[In the end|When the dust settled], only a [hair|whisker|breath] separated them, and {winner} had it
It could have gone either way, [but it went to {winner}|until {winner} found one last blow]
{winner} won, but [not by much|only just|it took everything]
{loser} came within [an inch|a heartbeat|a hair] of winning, and {winner} [knows it|will not forget it]
Level {winner's level} against level {loser's level}: [it was bound to be close|there was little in it], and {winner} took it
Another [minute|second|blow] and {loser} might have won, but {winner} [did not allow it|got there first]
Both were [spent|out of breath] when {winner} [landed the last blow|made the last move]
{winner} [outlasted|edged out|edged past] {loser} by the narrowest of margins
It [went to the wire|came down to the last breath], and the last word was {winner}’s
`

// decisiveEndings are for a clear win.
const decisiveEndings = `{winner} [took control|gained the upper hand|took charge] and [never let go|did not give it back]
{loser} [fought well|fought hard|gave everything], but {winner} [was simply stronger|had more to give|was a class above]
Bit by bit {loser} [ran out of room|ran out of ideas|gave ground], and {winner} [closed in|finished it|took the win]
In the end [the stronger side|strength|experience] told: {winner}, [fair and square|without much argument|no question]
Level {winner's level} to level {loser's level} is [a clear edge|no small gap], and {winner} [used it|made it count|let it show]
{winner} won it [fairly|well|cleanly], with [something|a little] in hand
{winner} [wore {loser} down|pushed {loser} back] and [finished the job|took the win] [cleanly|without fuss|in style]
The longer it lasted, the [clearer|plainer] it became: this [day|fight|hour] was {winner}’s
{loser} [went down|gave in|yielded] at last, and there was [no shame in it|no doubt about it|no need for a recount]
{loser} got up [once, but not twice|twice, but not a third time|three times, but not a fourth]
{winner} [earned|deserved] this one, and even {loser} [said so|had to admit it|nodded]
{loser} made {winner} work for it, but [the result was never really in doubt|work was all it took]
There was a moment when it [might have turned|hung in the balance], but {winner} [let it pass|saw it first], and {loser} went down
`

// crushingEndings are for a win that was never in doubt.
const crushingEndings = `It was over [in seconds|in the blink of an eye|almost at once|before it had properly begun]
{loser} [never stood a chance|never came close|was hopelessly outmatched]
Level {winner's level} against level {loser's level}: [the numbers tell the whole story|the rest was a formality|there was never any doubt]
{winner} [hardly|barely|scarcely] [broke stride|raised a finger|noticed]
Calling it a fight would be [generous|kind|an exaggeration]: {winner} [won at a stroll|was never troubled|hardly slowed down]
{winner} [swept|brushed|flicked] {loser} aside like [a leaf|a feather|a crumb|a paper hat]
One [blow|move|strike] was enough, and {loser} [went down|did not get up|lay flat]
By the time {loser} understood [what was happening|the danger], {winner} had already [won|finished|turned to go]
The gulf between them was [enormous|too wide to bridge|plain to see], and {loser} [fell straight in|found the bottom of it]
{loser} had lost before, but [rarely|seldom|never] [so quickly|so completely|by so much]
Nobody kept score; [nobody needed to|there was no need|{winner} had all of it]
{winner} could have done it [asleep|blindfolded|with one hand|standing on one leg]
For {loser} there was [nothing to be done|no way back|no second chance], and {winner} [knew it|did not gloat]
Some contests hang in the balance; [this one did not|this one fell off at once|not this one]
{winner} won [by a distance|in a walk|at a canter], with [plenty|strength|energy] to spare
{loser} [hit the ground|landed in a heap] and [stayed there|thought better of getting up|counted the stars]
It takes more than courage to stop {winner}, and [courage was all {loser} had left|{loser} had only courage]
If this was {winner}’s [idea of a warm-up|gentle side], {loser} [would rather not see the rest|got off lightly]
`

// upsetEndings are for a win of the lower level.
const upsetEndings = `On paper {loser} should have won, but {winner} [had not read the paper|does not fight on paper]
The levels pointed to {loser}; the [fight|day] did not, and {winner} won
Against [all odds|the odds], {winner} [won|prevailed|came out on top]
Nobody had bet on {winner}, and [nobody got rich|that was the mistake]
Level {winner's level} beat level {loser's level}, [and nobody can explain it|and {winner} is still smiling]
`

// aftermaths end a story.
const aftermaths = `{loser} asked for a rematch; {winner} [smiled|said maybe|promised nothing]
[Score one|Chalk up one more|One more] for the {winner's team}
The {winner's team} [celebrated|cheered|sang] [all night|until dawn|that evening]
{loser} [vowed|swore] to be back, [stronger|better prepared|with a plan]
A win for the {winner's team}, and [a well-earned one|one to remember|one to tell at dinner]
History will note that {winner} won; {loser} would rather it [did not|forgot]
[Nobody|Strangely, nobody] has asked {loser} for a comment
As for {loser}, [the less said the better|there is always next time|the road home was long]
{winner} [took a bow|walked away|was gone] before [the applause began|anyone could ask how|the dust had settled]
{loser} will [feel it in the morning|have some explaining to do|remember the name of {winner}]
The {loser's team} [went home quietly|asked for a recount|blamed the weather]
`

// aftermathsAtPlace end the story of a fight that has a location.
const aftermathsAtPlace = `{place} will [need a little tidying up|be talking about it for years|not forget it soon|need a new coat of paint]
They will be [telling|retelling|arguing over] this one {at} for [years|a long time|generations]
{loser} left {place} [with a limp|by the back way|without looking back|in silence]
{winner} took one last look at {place} and [walked away|was gone|vanished]
[Quiet|Peace|Calm] returned to {place}, [more or less|for now|until the next time]
Somebody {at} is still [sweeping up|finding pieces|shaking]
Nobody has yet [offered|volunteered] to pay for the damage {at}
`
