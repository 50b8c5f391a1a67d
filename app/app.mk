# app/: everything but the programs' main() goes into one library, which the unit tests link too.
noinst_LIBRARIES += libcalbridge.a
libcalbridge_a_SOURCES = \
	app/base/arena.c app/base/arena.h \
	app/base/buf.c app/base/buf.h \
	app/base/civil.c app/base/civil.h \
	app/base/clock.c app/base/clock.h \
	app/base/config.c app/base/config.h \
	app/base/digest.c app/base/digest.h \
	app/base/envfile.c app/base/envfile.h \
	app/base/err.c app/base/err.h \
	app/base/file.c app/base/file.h \
	app/base/html.c app/base/html.h \
	app/base/json.c app/base/json.h \
	app/base/json_write.c \
	app/base/log.c app/base/log.h \
	app/base/moment.c app/base/moment.h \
	app/base/rand.c app/base/rand.h \
	app/base/rfc3339.c app/base/rfc3339.h \
	app/base/seal.c app/base/seal.h \
	app/base/secret.c app/base/secret.h \
	app/base/setting.c app/base/setting.h \
	app/base/text.c app/base/text.h \
	app/base/url.c app/base/url.h \
	app/base/zone.c app/base/zone.h \
	app/model/appointment.c app/model/appointment.h \
	app/model/backoff.c app/model/backoff.h \
	app/model/connect_link.c app/model/connect_link.h \
	app/model/event.c app/model/event.h \
	app/model/event_change.c app/model/event_change.h \
	app/model/guests.c app/model/guests.h \
	app/model/issuer.c app/model/issuer.h \
	app/model/page_token.c app/model/page_token.h \
	app/model/privacy.c app/model/privacy.h \
	app/model/return_place.c app/model/return_place.h \
	app/model/standing.c app/model/standing.h \
	app/io/batch.c app/io/batch.h \
	app/io/db.h \
	app/io/db_bulk.c \
	app/io/db_call.c \
	app/io/db_conn.c \
	app/io/db_error.c \
	app/io/db_inner.h \
	app/io/db_pool.c \
	app/io/db_statement.c \
	app/io/db_transact.c \
	app/io/db_value.c \
	app/io/fcgi.c app/io/fcgi.h \
	app/io/flight.c app/io/flight.h \
	app/io/http.c app/io/http.h \
	app/io/http_ask.h \
	app/io/http_header.c app/io/http_header.h \
	app/io/http_loop.c app/io/http_loop.h \
	app/io/http_transfer.c app/io/http_transfer.h \
	app/io/http_trust.c app/io/http_trust.h \
	app/io/prefork.c app/io/prefork.h \
	app/io/tally.c app/io/tally.h \
	app/store/api_keys.c app/store/api_keys.h \
	app/store/appointments.c app/store/appointments.h \
	app/store/audit_log.c app/store/audit_log.h \
	app/store/callers.c app/store/callers.h \
	app/store/column.c app/store/column.h \
	app/store/connections.c app/store/connections.h \
	app/store/kept_events.c app/store/kept_events.h \
	app/store/mappings.c app/store/mappings.h \
	app/store/migration_files.c app/store/migration_files.h \
	app/store/migrations.c app/store/migrations.h \
	app/store/oauth_states.c app/store/oauth_states.h \
	app/store/owners.c app/store/owners.h \
	app/store/provider_limits.c app/store/provider_limits.h \
	app/store/provider_slots.c app/store/provider_slots.h \
	app/store/sealed.c app/store/sealed.h \
	app/store/sessions.c app/store/sessions.h \
	app/store/sync_claim.c app/store/sync_claim.h \
	app/store/sync_queue.c app/store/sync_queue.h \
	app/store/tenants.c app/store/tenants.h \
	app/provider/asking.c app/provider/asking.h \
	app/provider/google.c app/provider/google.h \
	app/provider/google_event.c app/provider/google_event.h \
	app/provider/google_json.c app/provider/google_json.h \
	app/provider/outlook.c app/provider/outlook.h \
	app/provider/outlook_body.c app/provider/outlook_body.h \
	app/provider/outlook_event.c app/provider/outlook_event.h \
	app/provider/outlook_json.c app/provider/outlook_json.h \
	app/provider/provider.c app/provider/provider.h \
	app/provider/providers.c app/provider/providers.h \
	app/provider/wire.c app/provider/wire.h \
	app/service/application.c app/service/application.h \
	app/service/booking.c app/service/booking.h \
	app/service/budget.c app/service/budget.h \
	app/service/calling.c app/service/calling.h \
	app/service/changing.c app/service/changing.h \
	app/service/finding.c app/service/finding.h \
	app/service/link_subject.c app/service/link_subject.h \
	app/service/listing.c app/service/listing.h \
	app/service/oauth_confirm.c app/service/oauth_confirm.h \
	app/service/oauth_end.c app/service/oauth_end.h \
	app/service/oauth_finish.c app/service/oauth_finish.h \
	app/service/oauth_start.c app/service/oauth_start.h \
	app/service/pkce.c app/service/pkce.h \
	app/service/placing.c app/service/placing.h \
	app/service/reading.c app/service/reading.h \
	app/service/removing.c app/service/removing.h \
	app/service/settle.c app/service/settle.h \
	app/service/showing.c app/service/showing.h \
	app/service/svc.c app/service/svc.h \
	app/service/token.c app/service/token.h \
	app/web/answer.c app/web/answer.h \
	app/web/audit.c app/web/audit.h \
	app/web/auth.c app/web/auth.h \
	app/web/consent_cookie.c app/web/consent_cookie.h \
	app/web/cors.c app/web/cors.h \
	app/web/csrf.c app/web/csrf.h \
	app/web/guesses.c app/web/guesses.h \
	app/web/jwks.c app/web/jwks.h \
	app/web/jwks_url.c app/web/jwks_url.h \
	app/web/jwt.c app/web/jwt.h \
	app/web/limits.c app/web/limits.h \
	app/web/metrics.c app/web/metrics.h \
	app/web/page.c app/web/page.h \
	app/web/request.c app/web/request.h \
	app/web/request_decode.c \
	app/web/route.c app/web/route.h \
	app/web/serve.c app/web/serve.h \
	app/web/session.c app/web/session.h

CB_LIBS = libcalbridge.a $(GLIB_LIBS) $(CURL_LIBS) $(OPENSSL_LIBS) $(MARIADB_LIBS) $(YAJL_LIBS) \
	$(FCGI_LIBS)

bin_PROGRAMS += calbridge
sbin_PROGRAMS += calbridge-fcgi calbridge-sync

calbridge_SOURCES = \
	app/main/cmd.c \
	app/main/cmd.h \
	app/main/cmd_doctor.c \
	app/main/cmd_key.c \
	app/main/cmd_link.c \
	app/main/cmd_migrate.c \
	app/main/cmd_owner.c \
	app/main/cmd_status.c \
	app/main/cmd_tenant.c \
	app/main/calbridge.c
calbridge_LDADD = $(CB_LIBS)
calbridge_fcgi_SOURCES = app/main/calbridge-fcgi.c app/main/start.c app/main/start.h
calbridge_fcgi_LDADD = $(CB_LIBS)
calbridge_sync_SOURCES = app/main/calbridge-sync.c app/main/start.c app/main/start.h
calbridge_sync_LDADD = $(CB_LIBS)

dist_man1_MANS += app/main/calbridge.1
dist_man8_MANS += app/main/calbridge-fcgi.8 app/main/calbridge-sync.8

# systemd's units, with the paths of this installation
systemdunitdir = $(prefix)/lib/systemd/system
systemdunit_DATA = app/main/calbridge-fcgi.service app/main/calbridge-sync.service
EXTRA_DIST += app/main/calbridge-fcgi.service.in app/main/calbridge-sync.service.in
CLEANFILES += $(systemdunit_DATA)

app/main/calbridge-fcgi.service: app/main/calbridge-fcgi.service.in Makefile
app/main/calbridge-sync.service: app/main/calbridge-sync.service.in Makefile
$(systemdunit_DATA):
	@$(MKDIR_P) app/main
	$(AM_V_GEN)sed -e 's|@SBIN@|$(sbindir)|g' -e 's|@ETC@|$(sysconfdir)|g' \
		$(srcdir)/$@.in > $@.new && mv $@.new $@
