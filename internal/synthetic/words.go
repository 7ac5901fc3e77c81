package synthetic

import "strings"

// characterWords is the vocabulary for characters.
type characterWords struct{ letters, titles, adjectives, nouns, first, last, powers []string }

// placeVocabulary is the vocabulary for locations.
type placeVocabulary struct{ prefixes, stems, endings, tails, types, adjectives, clauses []string }

// words splits a comma-separated list into its elements.
func words(list string) []string { return strings.Split(list, ",") }

func heroWords() characterWords {
	return characterWords{
		letters:    words("X,Q,Z,Ø,É,ß,Я,龍,光,Ω"),
		titles:     words("Captain,Doctor,Lady,Mister,Agent,Professor,Major,Miss,Sister,Brother,Señora,Señor,Madame,Ranger,Sergeant,Sir,Dame,Kid,Big,Little"),
		adjectives: words("Amber,Azure,Bold,Brave,Bright,Bronze,Cobalt,Copper,Crimson,Daring,Éclatant,Emerald,Fearless,Fleet,Gallant,Gentle,Golden,Iron,Ivory,Jade,Jolly,Keen,Lucky,Luminous,Mighty,Noble,Patient,Quick,Radiant,Ruby,Sapphire,Scarlet,Silent,Silver,Solar,Steadfast,Stellar,Storm,Swift,Tidal,Tireless,Titanium,True,Valiant,Velvet,Vigilant,Violet,Winged,Grüne,Ünsterbliche"),
		nouns:      words("Albatross,Anchor,Arrow,Badger,Beacon,Bison,Blade,Bolt,Bulwark,Comet,Compass,Condor,Crane,Dolphin,Dynamo,Eagle,Falcon,Firefly,Fox,Gale,Guardian,Hammer,Harbour,Hawk,Heron,Hornet,Hound,Ibis,Jaguar,Kestrel,Lantern,Lark,Lion,Lynx,Mantis,Marten,Monsoon,Otter,Owl,Panther,Pilot,Pulsar,Quasar,Ram,Raven,Rocket,Sentinel,Shield,Sparrow,Spark,Stag,Swallow,Tempest,Thunder,Tiger,Torch,Tortoise,Vanguard,Wave,Weaver,Whale,Wolf,Wren,Zephyr"),
		first:      firstNames(),
		last:       lastNames(),
		powers: words("Flight,Strength,Speed,Invisibility,Telepathy,Telekinesis,Healing,Foresight,Force Field,Ice Breath,Fire Breath,Heat Vision,X-Ray Sight,Super Hearing,Agility,Magnetism,Lightning,Water Control,Wind Control,Earth Shaping,Shape Shifting,Growth,Shrinking,Phasing,Teleportation,Time Slowing,Endless Patience,Sonic Shout," +
			"Wall Climbing,Web Weaving,Animal Speech,Plant Speech,Night Vision,Gliding,Armour,Marksmanship,Swordplay,Acrobatics,Leadership,Engineering,Medicine,Persuasion,Diving,Regeneration,Energy Blast,Light Bending,Sound Bending,Gravity Control,Precognition,Photographic Memory,Disguise,Hacking,Piloting,Empathy,Resilience,Tracking,Juggling,Cooking,Courage,Luck"),
	}
}

func villainWords() characterWords {
	w := heroWords()
	w.titles = words("Baron,Baroness,Count,Countess,Doctor,Lord,Lady,Emperor,Empress,General,Professor,Mother,Father,Master,Mistress,Prince,Princess,Queen,King,Überkommandant")
	w.adjectives = words("Ashen,Baleful,Bitter,Black,Bleak,Blight,Bone,Cold,Corrosive,Creeping,Cruel,Cursed,Dire,Doom,Dread,Dusk,Evil,Faceless,Fell,Feral,Foul,Frost,Gloom,Grim,Hollow,Howling,Leaden,Livid,Malign,Merciless,Mire,Murk,Night,Obsidian,Pale,Plague,Rancid,Ravenous,Rotten,Ruthless,Savage,Shadow,Sinister,Sour,Spiteful,Toxic,Venom,Void,Wicked,Wretched")
	w.nouns = words("Adder,Anvil,Asp,Barracuda,Basilisk,Cinder,Claw,Cobra,Crow,Dagger,Fang,Gargoyle,Ghoul,Goblin,Gorgon,Harpy,Hex,Hydra,Hyena,Jackal,Jester,Kraken,Lamprey,Leech,Locust,Maggot,Mandrake,Maw,Moth,Nettle,Nightmare,Oracle,Pike,Piranha,Puppeteer,Rat,Reaver,Revenant,Scorpion,Serpent,Shade,Shard,Shark,Skull,Spectre,Spider,Spike,Stalker,Tarantula,Thorn,Toad,Tyrant,Ulcer,Viper,Vulture,Warlock,Wasp,Weevil,Wight,Witch,Worm,Wraith,Wyrm,Zealot")
	return w
}

func firstNames() []string {
	return words("Ada,Aisha,Akira,Alma,Amara,Anouk,Arjun,Astrid,Aylin,Beatriz,Björn,Carlos,Chidi,Chloé,Dana,Dmitri,Elif,Emeka,Esther,Farid,Fatima,Freya,Giulia,Hana,Henrik,Ines,Ingrid,Ivan,Jamal,Jin,Jonas,José,Kaito,Karin,Kofi,Laila,Lars,Leila,Li,Lucía,Maja,Malik,Marek,Mei,Milan,Nadia,Nia,Nikolai,Noor,Olga,Omar,Owen,Paloma,Priya,Quentin,Rosa,Rune,Sade,Sanjay,Søren,Tariq,Théo,Uma,Vera,Wanjiru,Ximena,Yara,Yusuf,Zoë,Željko")
}

func lastNames() []string {
	return words("Abara,Adeyemi,Almeida,Andersen,Bauer,Becker,Berg,Bianchi,Castillo,Chen,Costa,Cruz,Dubois,Eriksen,Farouk,Fernández,Fischer,Fontaine,García,Grønn,Haddad,Hansen,Hayashi,Ibrahim,Ivanova,Jansen,Kamara,Kaya,Khan,Kim,Kowalski,Kumar,Larsen,Lefèvre,Lindqvist,López,Marino,Mbeki,Mendoza,Moreau,Müller,Nakamura,Ndiaye,Nguyen,Novák,O'Brien,Okafor,Olsen,Park,Patel,Pereira,Petrov,Quinn,Ramos,Rossi,Sato,Schneider,Silva,Singh,Sokolov,Suzuki,Takahashi,Tanaka,Torres,Ueda,Vargas,Wagner,Weiß,Yamamoto,Zhang")
}

func placeWords() placeVocabulary {
	return placeVocabulary{
		prefixes:   words(",New ,Old ,Upper ,Lower ,Port ,Saint ,East ,West ,North ,South ,Great ,Little ,Fort ,Mount ,Lake ,High ,Deep ,Fair ,Long ,Far ,Stony ,Misty ,Golden "),
		stems:      words("Alder,Amber,Arrow,Ash,Aspen,Barrow,Birch,Black,Bramble,Briar,Bright,Brook,Cedar,Clay,Cloud,Copper,Crow,Dawn,Dun,Eagle,Elm,Ember,Fern,Flint,Fox,Frost,Glen,Granite,Hazel,Heath,Heron,Holly,Iron,Ivy,Juniper,Kings,Larch,Linden,Maple,Marl,Mill,Moss,Oak,Otter,Pearl,Pine,Quill,Raven,Reed,Rose,Rowan,Sand,Shale,Silver,Spruce,Star,Stone,Thorn,Vale,Willow"),
		endings:    words("bank,bay,beck,borough,bridge,burg,bury,by,cliff,combe,crest,dale,den,fall,field,ford,gate,grad,ham,harbour,haven,hurst,keep,mere,mouth,port,shire,stead,ton,wick"),
		tails:      words(", Bay, Heights, Crossing, Springs, Falls, Harbour, Hollow, Junction, Landing, Point, Reach, Ridge, on the Hill, by the Sea, under the Moon"),
		types:      words("CITY,CITY,CITY,PLACE,PLACE,ISLAND,PLANET,COUNTRY,MOON"),
		adjectives: words("quiet,windy,crowded,forgotten,foggy,sunny,frozen,walled,floating,ancient,brand-new,rebuilt,haunted,prosperous,dusty,rain-soaked"),
		clauses: words("where nobody locks a door,with more bridges than streets,that was rebuilt after every fight,where the lamps never go out,known for its bakeries,with a market on every roof,that no map shows twice alike,where the tide comes in by the stairs," +
			"with a statue of somebody nobody remembers,where the trains are always late,famous for its echoes,that smells of tar and oranges,with one road in and none out,where the clocks disagree,that votes on everything,with towers on both sides of the river"),
	}
}
