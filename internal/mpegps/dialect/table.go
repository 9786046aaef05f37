package dialect

import "time"

// wrap is after how long stamps of 33 bits in 90 kHz begin anew.
const wrap = time.Duration(1<<33) * time.Second / 90000

// All returns the dialects.
func All() []Dialect {
	var list []Dialect
	for _, part := range [][]Dialect{maps(), headers(), stamps(), packets(), extras(), codecs()} {
		list = append(list, part...)
	}
	return list
}

// maps are those whose program_stream_map is special.
func maps() []Dialect {
	return []Dialect{
		{Name: "by the book", set: func(*device) {}},
		{Name: "no map", NoMap: true, set: func(w *device) { w.programMap = never }},
		{Name: "map in each pack", set: func(w *device) { w.programMap = always }},
		{Name: "map with the second key picture", NoMap: true, set: func(w *device) { w.programMap = atLaterKeys }},
		{Name: "map with a wrong checksum", set: func(w *device) { w.checksum = wrong }},
		{Name: "map without a checksum", set: func(w *device) { w.checksum = none }},
		{Name: "map longer than it is", set: func(w *device) { w.mapExcess = 40 }},
		{Name: "map shorter than it is", set: func(w *device) { w.mapExcess = -9 }},
		{Name: "map of a length of nothing", set: func(w *device) { w.mapExcess = -1000 }},
		{Name: "map with a list of a wrong length", set: func(w *device) { w.listExcess = 30 }},
		{Name: "map with a list of no length", set: func(w *device) { w.listExcess = -1000 }},
		{Name: "map in the middle of a picture", set: func(w *device) { w.mapInside, w.largest = true, 700 }},
		{Name: "map that tells of the device", set: func(w *device) { w.programInfo, w.streamInfo = deviceInfo(), videoInfo() }},
		{Name: "map with the type of another codec", set: func(w *device) { w.wrongVideo = true }},
		{Name: "map that says nothing of types", NoMap: true, set: func(w *device) { w.noTypes = true }},
		{Name: "map without the sound at first", NoMap: true, set: func(w *device) { w.soundLate = true }},
		{Name: "map with private streams", set: func(w *device) { w.privateTypes = true }},
	}
}

// headers are those whose packs and system headers are special.
func headers() []Dialect {
	return []Dialect{
		{Name: "no system header", set: func(w *device) { w.system = never }},
		{Name: "system header in each pack", set: func(w *device) { w.system = always }},
		{Name: "system header in front of all", set: func(w *device) { w.systemFirst = true }},
		{Name: "no packs", set: func(w *device) { w.pack = packNone }},
		{Name: "pack stuffing", set: func(w *device) { w.stuffing, w.promised = 7, 7 }},
		{Name: "pack stuffing that is missing", set: func(w *device) { w.promised = 6 }},
		{Name: "pack stuffing beyond what is said", set: func(w *device) { w.stuffing, w.promised = 9, 4 }},
		{Name: "MPEG-1 packs", set: func(w *device) { w.pack = pack1 }},
		{Name: "MPEG-1", set: func(w *device) { w.pack, w.pes1 = pack1, true }},
		{Name: "end code behind each picture", set: func(w *device) { w.ends = true }},
		{Name: "zeros behind each picture", set: func(w *device) { w.zeros = 5 }},
	}
}

// stamps are those whose stamps are special.
func stamps() []Dialect {
	return []Dialect{
		{Name: "no stamps", ByRTP: true, NoDTS: true, set: func(w *device) { w.stamped, w.soundUnstamped = never, true }},
		{Name: "no stamps, nor a map", NoMap: true, ByRTP: true, NoDTS: true, set: func(w *device) {
			w.stamped, w.soundUnstamped, w.programMap = never, true, never
		}},
		{Name: "no stamps, a NAL unit a PES packet", ByRTP: true, NoDTS: true, set: func(w *device) {
			w.stamped, w.soundUnstamped, w.unitwise = never, true, true
		}},
		{Name: "stamps of key pictures only", NoDTS: true, set: func(w *device) { w.stamped = atKeys }},
		{Name: "PTS only", NoDTS: true, set: func(*device) {}},
		{Name: "sound without stamps", set: func(w *device) { w.soundUnstamped = true }},
		{Name: "pictures without stamps", NoDTS: true, ByRTP: true, set: func(w *device) { w.stamped = never }},
		{Name: "stamps twice", NoDTS: true, set: func(w *device) { w.repeat = 2 }},
		{Name: "stamps that stand still", NoDTS: true, ByRTP: true, set: func(w *device) { w.repeat, w.soundUnstamped = 1<<30, true }},
		{Name: "stamps in each PES packet", set: func(w *device) { w.stampParts, w.largest = true, 900 }},
		{Name: "stamps that wrap", set: func(w *device) { w.clock, w.soundClock = wrap-time.Second, wrap-time.Second }},
		{Name: "clock of the day", set: func(w *device) { w.clock, w.soundClock = 17*time.Hour, 17*time.Hour }},
		{Name: "sound hours behind", Loose: true, set: func(w *device) { w.clock, w.soundClock = 20*time.Hour, time.Minute }},
		{Name: "sound half a wrap away", Loose: true, set: func(w *device) { w.soundClock = w.clock + wrap/2 }},
		{Name: "sound of another clock that wraps", Loose: true, set: func(w *device) { w.clock, w.soundClock = time.Hour, wrap-time.Second }},
	}
}

// packets are those whose PES packets are special.
func packets() []Dialect {
	return []Dialect{
		{Name: "PES packets of 500 bytes", set: func(w *device) { w.largest = 500 }},
		{Name: "PES packets of 65,535 bytes", set: func(w *device) { w.largest = 65_535 - 13 }},
		{Name: "a pack for each PES packet", set: func(w *device) { w.largest, w.packEach = 1300, true }},
		{Name: "PES packets without a length", set: func(w *device) { w.unbounded = true }},
		{Name: "PES packets without a length, of pictures alone", NoSound: true, set: func(w *device) { w.unbounded, w.mute = true, true }},
		{Name: "PES packets of what is left of a length in 16 bits", set: func(w *device) { w.largest, w.unboundedLength = 1<<30, true }},
		{Name: "PES packets that say more than they have", set: func(w *device) { w.lengthExcess, w.ends, w.zeros = 17, true, 30 }},
		{Name: "a NAL unit a PES packet", set: func(w *device) { w.unitwise = true }},
		{Name: "a NAL unit a PES packet, each with a stamp", set: func(w *device) { w.unitwise, w.stampParts = true, true }},
		{Name: "a NAL unit a PES packet and pack", set: func(w *device) { w.unitwise, w.packEach = true, true }},
		{Name: "three pictures in a pack", set: func(w *device) { w.each = 3 }},
		{Name: "two pictures in a PES packet", NoDTS: true, set: func(w *device) { w.each, w.oneStamp = 2, true }},
		{Name: "PES headers with stuffing", set: func(w *device) { w.pesStuffing = 13 }},
		{Name: "PES headers with more than stamps", set: func(w *device) { w.pesExtras = true }},
		{Name: "PES packets that begin anywhere", NoDTS: true, set: func(w *device) { w.unaligned = 2000 }},
	}
}

// extras are those that send more than a program.
func extras() []Dialect {
	return []Dialect{
		{Name: "padding", set: func(w *device) { w.behind = padding }},
		{Name: "private stream 1", set: func(w *device) { w.inFront = private1 }},
		{Name: "private stream 1 that is no PES packet", set: func(w *device) { w.inFront = privateRaw }},
		{Name: "private stream 2", set: func(w *device) { w.behind = private2 }},
		{Name: "other streams of the system", set: func(w *device) { w.inFront = otherSystem }},
		{Name: "another video of which no map tells", LeftOut: "0xe1", set: func(w *device) { w.behind = anotherVideo }},
		{Name: "another sound of which no map tells", LeftOut: "0xc1", set: func(w *device) { w.behind = anotherSound }},
		{Name: "other stream IDs", set: func(w *device) { w.videoID, w.soundID = 0xe5, 0xc7 }},
		{Name: "other stream IDs without a map", NoMap: true, set: func(w *device) { w.videoID, w.soundID, w.programMap = 0xef, 0xdf, never }},
	}
}

// codecs are those with other codecs, or byte streams that are special.
func codecs() []Dialect {
	return []Dialect{
		{Name: "delimiters", set: func(w *device) { w.delimiters = true }},
		{Name: "start codes of three bytes", set: func(w *device) { w.startCode = []byte{0, 0, 1} }},
		{Name: "AAC in LATM", set: func(w *device) { w.latm = true }},
		{Name: "AAC in LATM, without a map", NoMap: true, set: func(w *device) { w.latm, w.programMap = true, never }},
		{Name: "sound of G.729", LeftOut: "G.729", NoSound: true, set: func(w *device) { w.soundType = 0x99 }},
		{Name: "sound of G.723.1", LeftOut: "G.723.1", NoSound: true, set: func(w *device) { w.soundType = 0x93 }},
		{Name: "sound of G.722.1", LeftOut: "G.722.1", NoSound: true, set: func(w *device) { w.soundType = 0x92 }},
		{Name: "sound of SVAC", LeftOut: "SVAC audio", NoSound: true, set: func(w *device) { w.soundType = 0x9b }},
		{Name: "sound of a type that nobody knows", LeftOut: "0xf3", NoSound: true, set: func(w *device) { w.soundType = 0xf3 }},
		{Name: "pictures of SVAC", LeftOut: "SVAC video", NoPictures: true, set: func(w *device) { w.videoType = 0x80 }},
		{Name: "pictures of MPEG-4", LeftOut: "MPEG-4", NoPictures: true, set: func(w *device) { w.videoType = 0x10 }},
		{Name: "pictures of H.266", LeftOut: "H.266", NoPictures: true, set: func(w *device) { w.videoType = 0x33 }},
		{Name: "pictures of a type that nobody knows", set: func(w *device) { w.videoType = 0xf0 }},
	}
}
