"""An RTSP server of GStreamer's: server.py play FILE.flv serves a file, server.py record FILE.ts accepts a publisher.

It prints its port, and ends when it is told to.
"""
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

PLAY = (
    "( filesrc location=%s ! flvdemux name=d"
    " d.video ! queue ! h264parse ! rtph264pay name=pay0 pt=96"
    " d.audio ! queue ! aacparse ! rtpmp4gpay name=pay1 pt=97 )"
)
RECORD = (
    "( rtph264depay name=depay0 ! h264parse ! video/x-h264,alignment=au ! h264timestamper ! h264parse ! queue ! m."
    " rtpmp4gdepay name=depay1 ! aacparse ! queue ! m."
    " mpegtsmux name=m ! filesink location=%s )"
)

mode, path = sys.argv[1:]
Gst.init(None)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_eos_shutdown(True)  # what is on its way gets to the file
if mode == "record":
    factory.set_transport_mode(GstRtspServer.RTSPTransportMode.RECORD)
factory.set_launch((RECORD if mode == "record" else PLAY) % path)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service("0")
server.get_mount_points().add_factory("/live/test", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
