#!/usr/bin/env bash
# Installs the clients that the interop tests drive, where it may; otherwise says what is missing.
set -euo pipefail

packages=()
need() { command -v "$1" >/dev/null 2>&1 || packages+=("${@:2}"); }
need ffmpeg ffmpeg
need rtmpdump rtmpdump
need cvlc vlc-bin vlc-plugin-base
need gst-launch-1.0 gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
	gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav
gst-inspect-1.0 rtspclientsink >/dev/null 2>&1 || packages+=(gstreamer1.0-rtsp)
/usr/bin/python3 -c "import gi; gi.require_version('GstRtspServer', '1.0')" >/dev/null 2>&1 ||
	packages+=(python3-gi gir1.2-gst-rtsp-server-1.0)
need ip iproute2
need chromium chromium
need curl curl
need node nodejs
need npm npm
need nginx nginx
[ -e /usr/lib/nginx/modules/ngx_rtmp_module.so ] || packages+=(libnginx-mod-rtmp)
need caddy caddy

[ ${#packages[@]} -eq 0 ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "installing ${packages[*]}"
	apt-get -qq update
	DEBIAN_FRONTEND=noninteractive apt-get -qq -y install "${packages[@]}" >/dev/null
else
	echo "missing clients: the tests that need them are left out, or fail when CI=true. Install: ${packages[*]}"
fi
