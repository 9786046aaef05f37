"""A player of GStreamer's that is told what to do: player.py RTSP-URL ACTION…

Each action is followed by 40 pictures:

    play        begins
    from=20     begins at that second, and at the key frame before it
    seek=20     seeks to that second, and to the key frame before it
    scale=4@20  does so at that speed, by Scale
    speed=2@20  likewise, by Speed
    pause=2     pauses for so many seconds, then goes on
    end         waits for the end of the stream instead

It prints "NUMBER HASH" for every picture, where the number counts the seeks, and "end" at the end.
"""
import hashlib
import os
import sys
import threading
import time

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

PICTURES = 40
PATIENCE = 60  # seconds without a picture
QUIET = 10  # seconds without a picture after which the end has been lost
# A sink that waits for a picture when it pauses would wait for ever, since none comes then.
PIPELINE = (
    "rtspsrc name=s location=%s protocols=tcp"
    " rtph264depay name=video ! h264parse ! avdec_h264 max-threads=1 ! video/x-raw,format=I420"
    " ! fakesink name=v sync=false async=false signal-handoffs=true"
    " rtpmp4gdepay name=audio ! aacparse ! fakesink sync=false async=false"
)


class Player:
    def __init__(self, url):
        self.pipeline = Gst.parse_launch(PIPELINE % url)
        self.bus = self.pipeline.get_bus()
        self.came = threading.Condition()
        self.seeks = 0
        self.pictures = 0
        self.source = self.pipeline.get_by_name("s")
        self.source.connect("new-manager", self.manager)
        self.source.connect("pad-added", self.pad)
        self.stuck = False  # threads of it wait for ever
        self.left = set()  # sessions to which the server has said goodbye
        sink = self.pipeline.get_by_name("v")
        sink.connect("handoff", self.picture)
        self.sink = sink.get_static_pad("sink")
        self.sink.add_probe(Gst.PadProbeType.EVENT_FLUSH, self.flush)

    def pad(self, _source, pad):
        # A pipeline in words links pads that come later by trying each with each. Two that come at once then stay without a link at times.
        media = pad.get_current_caps().get_structure(0).get_string("media")
        pad.link(self.pipeline.get_by_name(media).get_static_pad("sink"))

    def manager(self, _source, manager):
        manager.connect("on-bye-ssrc", lambda _manager, session, _ssrc: self.left.add(session))

    def picture(self, _sink, buffer, _pad):
        ok, data = buffer.map(Gst.MapFlags.READ)
        if not ok:
            raise RuntimeError("a picture cannot be read")
        text = hashlib.md5(data.data).hexdigest()
        buffer.unmap(data)
        with self.came:
            self.pictures += 1
            print(self.seeks, text)
            self.came.notify()

    def flush(self, _pad, info):
        # What comes behind it is of the new place.
        if info.get_event().type == Gst.EventType.FLUSH_STOP:
            with self.came:
                self.seeks += 1
                self.pictures = 0
        return Gst.PadProbeReturn.OK

    def message(self, seconds):
        kinds = Gst.MessageType.ERROR | Gst.MessageType.EOS
        message = self.bus.timed_pop_filtered(int(seconds * Gst.SECOND), kinds)
        if message and message.type == Gst.MessageType.ERROR:
            sys.exit("%s %s" % message.parse_error())
        return message

    def await_pictures(self):
        with self.came:
            want = self.pictures + PICTURES
            while self.pictures < want:
                if not self.came.wait(PATIENCE):
                    sys.exit("no picture comes")
                if self.message(0):
                    sys.exit("it has ended")

    def await_end(self):
        """Waits for the end of the stream. Version 1.22 loses it at times: two threads of a jitter buffer wait for each other, since the
        one sets the timer for the end that the other has just let go, after which nobody wakes it. What is not passed on is the end
        alone, so that the player says it to the decoder in its place, which still holds pictures. That the server has said goodbye, or that
        the end has reached the pictures, is asked for before.
        """
        if not self.end_comes():
            if len(self.left) < 2 and not self.sink.get_sticky_event(Gst.EventType.EOS, 0):
                sys.exit("it does not end")
            for name in ("video", "audio"):
                self.pipeline.get_by_name(name).get_static_pad("sink").send_event(Gst.Event.new_eos())
            if not self.message(PATIENCE):
                sys.exit("it does not end after the goodbye")
            self.stuck = True
        print("end")

    def end_comes(self):
        quiet, seen = 0, 0
        while quiet < QUIET:
            if self.message(1):
                return True
            quiet, seen = quiet + 1 if self.pictures == seen else 0, self.pictures
        return False

    def state(self, state):
        self.pipeline.set_state(state)
        if self.pipeline.get_state(PATIENCE * Gst.SECOND)[0] == Gst.StateChangeReturn.FAILURE:
            self.message(1)
            sys.exit("no " + state.value_nick)

    def seek(self, element, place, rate=1.0, flags=Gst.SeekFlags.KEY_UNIT):
        event = Gst.Event.new_seek(
            rate, Gst.Format.TIME, flags | Gst.SeekFlags.FLUSH,
            Gst.SeekType.SET, int(float(place) * Gst.SECOND), Gst.SeekType.NONE, 0,
        )
        if not element.send_event(event):
            sys.exit("it cannot seek")

    def act(self, name, value):
        if name == "from":  # nothing behind the source is there yet
            self.seek(self.source, value)
        if name in ("play", "from"):
            self.state(Gst.State.PLAYING)
        elif name == "seek":
            self.seek(self.pipeline, value)
        elif name == "scale":
            rate, place = value.split("@")
            self.seek(self.pipeline, place, float(rate), Gst.SeekFlags.TRICKMODE)
        elif name == "speed":
            rate, place = value.split("@")
            self.seek(self.pipeline, place, float(rate))
        elif name == "pause":
            self.state(Gst.State.PAUSED)
            time.sleep(float(value))
            self.state(Gst.State.PLAYING)
        if name == "end":
            self.await_end()
        else:
            self.await_pictures()


Gst.init(None)
player = Player(sys.argv[1])
player.state(Gst.State.PAUSED)
for action in sys.argv[2:]:
    player.act(*action.partition("=")[::2])
sys.stdout.flush()
if player.stuck:  # it would not stop either
    os._exit(0)
player.pipeline.set_state(Gst.State.NULL)
