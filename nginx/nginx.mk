# The site for nginx: fragments as they are, the site file with its paths and the
# values that a production site begins with. It is edited after it was installed.
nginxfragmentdir = $(pkgdatadir)/nginx
dist_nginxfragment_DATA = \
	nginx/common.conf \
	nginx/http.conf \
	nginx/server.conf
nginxsitedir = $(sysconfdir)/nginx/sites-available
nginxsite_DATA = nginx/calbridge.conf
EXTRA_DIST += nginx/calbridge.conf.in
CLEANFILES += nginx/calbridge.conf

nginx/calbridge.conf: $(srcdir)/nginx/calbridge.conf.in Makefile
	@$(MKDIR_P) nginx
	$(AM_V_GEN)sed \
		-e 's|@FRAGMENTS@|$(nginxfragmentdir)|' \
		-e 's|@FASTCGI_SOCKET@|/run/calbridge/fcgi.sock|' \
		-e 's|@LISTEN_TLS@|listen 443 ssl http2 backlog=4096; listen [::]:443 ssl http2 backlog=4096;|' \
		-e 's|@LISTEN_HTTP@|listen 80; listen [::]:80;|' \
		-e 's|@SERVER_NAME@|calendar.example.org|' \
		-e 's|@PUBLIC_URL@|https://calendar.example.org|' \
		-e 's|@CERTIFICATE@|$(sysconfdir)/calbridge/tls.crt|' \
		-e 's|@CERTIFICATE_KEY@|$(sysconfdir)/calbridge/tls.key|' \
		-e 's|@HTML@|$(pkgdatadir)/html|' \
		-e 's|@ACCESS_LOG@|/var/log/nginx/calbridge-access.log|' \
		-e 's|@ERROR_LOG@|/var/log/nginx/calbridge-error.log|' \
		-e 's|@HSTS@|add_header Strict-Transport-Security max-age=31536000 always;|' \
		-e 's|@RATE@|20|' \
		-e 's|@BURST@|40|' \
		-e 's|@CONNECTIONS@|100|' \
		-e 's|@READ_TIMEOUT@|40s|' \
		$(srcdir)/nginx/calbridge.conf.in > $@.new && mv $@.new $@

# The dashboard: files as they are.
dashboarddir = $(pkgdatadir)/html/dashboard
dist_dashboard_DATA = \
	nginx/html/dashboard/api.js \
	nginx/html/dashboard/app.js \
	nginx/html/dashboard/base.css \
	nginx/html/dashboard/de.js \
	nginx/html/dashboard/dom.js \
	nginx/html/dashboard/en.js \
	nginx/html/dashboard/icon.svg \
	nginx/html/dashboard/index.html \
	nginx/html/dashboard/page.css \
	nginx/html/dashboard/style.css \
	nginx/html/dashboard/text.js \
	nginx/html/dashboard/time.js \
	nginx/html/dashboard/views.js
