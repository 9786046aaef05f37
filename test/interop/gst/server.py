"""An RTSP server of GStreamer's: server.py play FILE.flv serves a file, server.py record FILE.ts accepts a publisher.

With --login basic or --login digest only USER and PASSWORD may; with --multicast a file goes to a group of 239.1.1.0/24. It prints its
port, and ends when it is told to.
"""
import argparse

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

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

ROLE = "viewer"


def guard(server, factory, method, user, password):
    """Lets nobody in but one user, who proves it by one method."""
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, ROLE)
    auth = GstRtspServer.RTSPAuth()
    if method == "basic":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(user, password, token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_role(ROLE)
    for what in ("access", "construct"):
        permissions.add_permission_for_role(ROLE, "media.factory." + what, True)
    factory.set_permissions(permissions)


def share(factory):
    """Sends to groups alone."""
    pool = GstRtspServer.RTSPAddressPool()
    pool.add_range("239.1.1.1", "239.1.1.9", 5000, 5098, 1)
    factory.set_address_pool(pool)
    factory.set_protocols(GstRtsp.RTSPLowerTrans.UDP_MCAST)
    factory.set_shared(True)


parser = argparse.ArgumentParser()
parser.add_argument("--login", choices=["basic", "digest"])
parser.add_argument("--user")
parser.add_argument("--password")
parser.add_argument("--address", default="127.0.0.1")
parser.add_argument("--multicast", action="store_true")
parser.add_argument("mode", choices=["play", "record"])
parser.add_argument("path")
args = parser.parse_args()
Gst.init(None)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_eos_shutdown(True)  # what is on its way gets to the file
if args.mode == "record":
    factory.set_transport_mode(GstRtspServer.RTSPTransportMode.RECORD)
factory.set_launch((RECORD if args.mode == "record" else PLAY) % args.path)
server = GstRtspServer.RTSPServer()
server.set_address(args.address)
server.set_service("0")
if args.login:
    guard(server, factory, args.login, args.user, args.password)
if args.multicast:
    share(factory)
server.get_mount_points().add_factory("/live/test", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
