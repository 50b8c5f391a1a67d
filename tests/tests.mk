# tests/: everything hangs on `make check` and its siblings. Needs the packages of `./autogen.sh check`.

UNIT_TESTS = \
	tests/unit/test_answer \
	tests/unit/test_appointment \
	tests/unit/test_arena \
	tests/unit/test_auth \
	tests/unit/test_backoff \
	tests/unit/test_batch \
	tests/unit/test_buf \
	tests/unit/test_civil \
	tests/unit/test_clock \
	tests/unit/test_config \
	tests/unit/test_connect_link \
	tests/unit/test_cors \
	tests/unit/test_digest \
	tests/unit/test_envfile \
	tests/unit/test_err \
	tests/unit/test_event \
	tests/unit/test_event_change \
	tests/unit/test_fcgi \
	tests/unit/test_file \
	tests/unit/test_flight \
	tests/unit/test_google \
	tests/unit/test_google_event \
	tests/unit/test_google_json \
	tests/unit/test_guests \
	tests/unit/test_html \
	tests/unit/test_http \
	tests/unit/test_issuer \
	tests/unit/test_json \
	tests/unit/test_jwks_url \
	tests/unit/test_jwt \
	tests/unit/test_limits \
	tests/unit/test_log \
	tests/unit/test_metrics \
	tests/unit/test_moment \
	tests/unit/test_outlook \
	tests/unit/test_outlook_body \
	tests/unit/test_outlook_event \
	tests/unit/test_outlook_json \
	tests/unit/test_page \
	tests/unit/test_page_token \
	tests/unit/test_prefork \
	tests/unit/test_privacy \
	tests/unit/test_rand \
	tests/unit/test_request \
	tests/unit/test_return_place \
	tests/unit/test_rfc3339 \
	tests/unit/test_route \
	tests/unit/test_seal \
	tests/unit/test_secret \
	tests/unit/test_serve \
	tests/unit/test_session \
	tests/unit/test_setting \
	tests/unit/test_standing \
	tests/unit/test_tally \
	tests/unit/test_text \
	tests/unit/test_url \
	tests/unit/test_wire \
	tests/unit/test_zone

# These need a database; tests/unit/with_mariadb.sh gives each one of its own.
UNIT_DB_TESTS = \
	tests/unit/test_api_keys \
	tests/unit/test_appointments \
	tests/unit/test_audit_log \
	tests/unit/test_calbridge \
	tests/unit/test_callers \
	tests/unit/test_connections \
	tests/unit/test_db \
	tests/unit/test_db_faults \
	tests/unit/test_kept_events \
	tests/unit/test_mappings \
	tests/unit/test_migrations \
	tests/unit/test_oauth_states \
	tests/unit/test_owners \
	tests/unit/test_provider_limits \
	tests/unit/test_provider_slots \
	tests/unit/test_sessions \
	tests/unit/test_store_faults \
	tests/unit/test_sync_claim \
	tests/unit/test_sync_queue \
	tests/unit/test_svc \
	tests/unit/test_tenants

FUZZ_REPLAYS = \
	tests/fuzz/replay_connect_link \
	tests/fuzz/replay_google_json \
	tests/fuzz/replay_json \
	tests/fuzz/replay_jwt \
	tests/fuzz/replay_outlook_json \
	tests/fuzz/replay_privacy \
	tests/fuzz/replay_rfc3339 \
	tests/fuzz/replay_route
FUZZ_TARGETS = \
	tests/fuzz/fuzz_connect_link \
	tests/fuzz/fuzz_google_json \
	tests/fuzz/fuzz_json \
	tests/fuzz/fuzz_jwt \
	tests/fuzz/fuzz_outlook_json \
	tests/fuzz/fuzz_privacy \
	tests/fuzz/fuzz_rfc3339 \
	tests/fuzz/fuzz_route

# Words that libFuzzer puts into its inputs, where a target has some.
FUZZ_DICTIONARIES = \
	tests/fuzz/json.dict \
	tests/fuzz/jwt.dict \
	tests/fuzz/privacy.dict \
	tests/fuzz/route.dict

if HAVE_CMOCKA
check_PROGRAMS += $(UNIT_TESTS) $(UNIT_DB_TESTS)
endif
check_PROGRAMS += $(FUZZ_REPLAYS) tests/conformance/ask
EXTRA_PROGRAMS += $(FUZZ_TARGETS)

UNIT_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
UNIT_LIBS = $(CB_LIBS) $(CMOCKA_LIBS)

# every statement is linked in only when every object is
WHOLE_LIBRARY = $(AM_LDFLAGS) -Wl,--whole-archive,libcalbridge.a,--no-whole-archive

UNIT_HELPERS = tests/unit/arena_fixture.h tests/unit/db_fixture.h tests/unit/db_proxy.h tests/unit/event_fixture.h tests/unit/https_server.h tests/unit/provider_fixture.h tests/unit/refusal_fixture.h tests/unit/store_fixture.h tests/unit/temp_file.h tests/unit/web_fixture.h

tests_unit_test_answer_SOURCES = tests/unit/test_answer.c tests/unit/web_fixture.c $(UNIT_HELPERS)
tests_unit_test_answer_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_answer_LDADD = $(UNIT_LIBS)
tests_unit_test_appointment_SOURCES = tests/unit/test_appointment.c $(UNIT_HELPERS)
tests_unit_test_appointment_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_appointment_LDADD = $(UNIT_LIBS)
tests_unit_test_arena_SOURCES = tests/unit/test_arena.c $(UNIT_HELPERS)
tests_unit_test_arena_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_arena_LDADD = $(UNIT_LIBS)
tests_unit_test_auth_SOURCES = tests/unit/test_auth.c tests/unit/web_fixture.c $(UNIT_HELPERS)
tests_unit_test_auth_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_auth_LDADD = $(UNIT_LIBS)
tests_unit_test_backoff_SOURCES = tests/unit/test_backoff.c $(UNIT_HELPERS)
tests_unit_test_backoff_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_backoff_LDADD = $(UNIT_LIBS)
tests_unit_test_batch_SOURCES = tests/unit/test_batch.c $(UNIT_HELPERS)
tests_unit_test_batch_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_batch_LDADD = $(UNIT_LIBS)
tests_unit_test_buf_SOURCES = tests/unit/test_buf.c $(UNIT_HELPERS)
tests_unit_test_buf_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_buf_LDADD = $(UNIT_LIBS)
tests_unit_test_civil_SOURCES = tests/unit/test_civil.c $(UNIT_HELPERS)
tests_unit_test_civil_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_civil_LDADD = $(UNIT_LIBS)
tests_unit_test_clock_SOURCES = tests/unit/test_clock.c $(UNIT_HELPERS)
tests_unit_test_clock_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_clock_LDADD = $(UNIT_LIBS)
tests_unit_test_config_SOURCES = tests/unit/test_config.c $(UNIT_HELPERS)
tests_unit_test_config_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_config_LDADD = $(UNIT_LIBS)
tests_unit_test_connect_link_SOURCES = tests/unit/test_connect_link.c $(UNIT_HELPERS)
tests_unit_test_connect_link_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_connect_link_LDADD = $(UNIT_LIBS)
tests_unit_test_cors_SOURCES = tests/unit/test_cors.c tests/unit/web_fixture.c $(UNIT_HELPERS)
tests_unit_test_cors_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_cors_LDADD = $(UNIT_LIBS)
tests_unit_test_digest_SOURCES = tests/unit/test_digest.c $(UNIT_HELPERS)
tests_unit_test_digest_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_digest_LDADD = $(UNIT_LIBS)
tests_unit_test_envfile_SOURCES = tests/unit/test_envfile.c $(UNIT_HELPERS)
tests_unit_test_envfile_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_envfile_LDADD = $(UNIT_LIBS)
tests_unit_test_err_SOURCES = tests/unit/test_err.c $(UNIT_HELPERS)
tests_unit_test_err_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_err_LDADD = $(UNIT_LIBS)
tests_unit_test_event_SOURCES = tests/unit/test_event.c tests/unit/arena_fixture.c tests/unit/event_fixture.c $(UNIT_HELPERS)
tests_unit_test_event_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_event_LDADD = $(UNIT_LIBS)
tests_unit_test_event_change_SOURCES = tests/unit/test_event_change.c $(UNIT_HELPERS)
tests_unit_test_event_change_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_event_change_LDADD = $(UNIT_LIBS)
tests_unit_test_fcgi_SOURCES = tests/unit/test_fcgi.c $(UNIT_HELPERS)
tests_unit_test_fcgi_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_fcgi_LDADD = $(UNIT_LIBS)
tests_unit_test_file_SOURCES = tests/unit/test_file.c $(UNIT_HELPERS)
tests_unit_test_file_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_file_LDADD = $(UNIT_LIBS)
tests_unit_test_flight_SOURCES = tests/unit/test_flight.c $(UNIT_HELPERS)
tests_unit_test_flight_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_flight_LDADD = $(UNIT_LIBS)
tests_unit_test_google_SOURCES = tests/unit/test_google.c tests/unit/event_fixture.c tests/unit/https_server.c tests/unit/provider_fixture.c $(UNIT_HELPERS)
tests_unit_test_google_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_google_LDADD = $(UNIT_LIBS)
tests_unit_test_google_event_SOURCES = tests/unit/test_google_event.c tests/unit/arena_fixture.c tests/unit/event_fixture.c $(UNIT_HELPERS)
tests_unit_test_google_event_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_google_event_LDADD = $(UNIT_LIBS)
tests_unit_test_google_json_SOURCES = tests/unit/test_google_json.c tests/unit/arena_fixture.c tests/unit/refusal_fixture.c $(UNIT_HELPERS)
tests_unit_test_google_json_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_google_json_LDADD = $(UNIT_LIBS)
tests_unit_test_guests_SOURCES = tests/unit/test_guests.c $(UNIT_HELPERS)
tests_unit_test_guests_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_guests_LDADD = $(UNIT_LIBS)
tests_unit_test_html_SOURCES = tests/unit/test_html.c tests/unit/arena_fixture.c $(UNIT_HELPERS)
tests_unit_test_html_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_html_LDADD = $(UNIT_LIBS)
tests_unit_test_http_SOURCES = tests/unit/test_http.c tests/unit/https_server.c $(UNIT_HELPERS)
tests_unit_test_http_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_http_LDADD = $(UNIT_LIBS)
tests_unit_test_issuer_SOURCES = tests/unit/test_issuer.c $(UNIT_HELPERS)
tests_unit_test_issuer_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_issuer_LDADD = $(UNIT_LIBS)
tests_unit_test_json_SOURCES = tests/unit/test_json.c $(UNIT_HELPERS)
tests_unit_test_json_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_json_LDADD = $(UNIT_LIBS)
tests_unit_test_jwks_url_SOURCES = tests/unit/test_jwks_url.c tests/unit/https_server.c $(UNIT_HELPERS)
tests_unit_test_jwks_url_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_jwks_url_LDADD = $(UNIT_LIBS)
tests_unit_test_jwt_SOURCES = tests/unit/test_jwt.c $(UNIT_HELPERS)
tests_unit_test_jwt_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_jwt_LDADD = $(UNIT_LIBS)
tests_unit_test_limits_SOURCES = tests/unit/test_limits.c $(UNIT_HELPERS)
tests_unit_test_limits_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_limits_LDADD = $(UNIT_LIBS)
tests_unit_test_log_SOURCES = tests/unit/test_log.c $(UNIT_HELPERS)
tests_unit_test_log_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_log_LDADD = $(UNIT_LIBS)
tests_unit_test_metrics_SOURCES = tests/unit/test_metrics.c $(UNIT_HELPERS)
tests_unit_test_metrics_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_metrics_LDADD = $(UNIT_LIBS)
tests_unit_test_moment_SOURCES = tests/unit/test_moment.c $(UNIT_HELPERS)
tests_unit_test_moment_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_moment_LDADD = $(UNIT_LIBS)
tests_unit_test_outlook_SOURCES = tests/unit/test_outlook.c tests/unit/event_fixture.c tests/unit/https_server.c tests/unit/provider_fixture.c $(UNIT_HELPERS)
tests_unit_test_outlook_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_outlook_LDADD = $(UNIT_LIBS)
tests_unit_test_outlook_body_SOURCES = tests/unit/test_outlook_body.c tests/unit/arena_fixture.c $(UNIT_HELPERS)
tests_unit_test_outlook_body_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_outlook_body_LDADD = $(UNIT_LIBS)
tests_unit_test_outlook_event_SOURCES = tests/unit/test_outlook_event.c tests/unit/arena_fixture.c tests/unit/event_fixture.c $(UNIT_HELPERS)
tests_unit_test_outlook_event_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_outlook_event_LDADD = $(UNIT_LIBS)
tests_unit_test_outlook_json_SOURCES = tests/unit/test_outlook_json.c tests/unit/arena_fixture.c tests/unit/refusal_fixture.c $(UNIT_HELPERS)
tests_unit_test_outlook_json_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_outlook_json_LDADD = $(UNIT_LIBS)
tests_unit_test_page_SOURCES = tests/unit/test_page.c $(UNIT_HELPERS)
tests_unit_test_page_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_page_LDADD = $(UNIT_LIBS)
tests_unit_test_page_token_SOURCES = tests/unit/test_page_token.c $(UNIT_HELPERS)
tests_unit_test_page_token_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_page_token_LDADD = $(UNIT_LIBS)
tests_unit_test_prefork_SOURCES = tests/unit/test_prefork.c $(UNIT_HELPERS)
tests_unit_test_prefork_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_prefork_LDADD = $(UNIT_LIBS)
tests_unit_test_privacy_SOURCES = tests/unit/test_privacy.c $(UNIT_HELPERS)
tests_unit_test_privacy_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_privacy_LDADD = $(UNIT_LIBS)
tests_unit_test_rand_SOURCES = tests/unit/test_rand.c $(UNIT_HELPERS)
tests_unit_test_rand_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_rand_LDADD = $(UNIT_LIBS)
tests_unit_test_request_SOURCES = tests/unit/test_request.c tests/unit/web_fixture.c $(UNIT_HELPERS)
tests_unit_test_request_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_request_LDADD = $(UNIT_LIBS)
tests_unit_test_return_place_SOURCES = tests/unit/test_return_place.c $(UNIT_HELPERS)
tests_unit_test_return_place_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_return_place_LDADD = $(UNIT_LIBS)
tests_unit_test_rfc3339_SOURCES = tests/unit/test_rfc3339.c $(UNIT_HELPERS)
tests_unit_test_rfc3339_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_rfc3339_LDADD = $(UNIT_LIBS)
tests_unit_test_route_SOURCES = tests/unit/test_route.c $(UNIT_HELPERS)
tests_unit_test_route_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_route_LDADD = $(UNIT_LIBS)
tests_unit_test_seal_SOURCES = tests/unit/test_seal.c $(UNIT_HELPERS)
tests_unit_test_seal_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_seal_LDADD = $(UNIT_LIBS)
tests_unit_test_secret_SOURCES = tests/unit/test_secret.c $(UNIT_HELPERS)
tests_unit_test_secret_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_secret_LDADD = $(UNIT_LIBS)
tests_unit_test_serve_SOURCES = tests/unit/test_serve.c tests/unit/web_fixture.c $(UNIT_HELPERS)
tests_unit_test_serve_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_serve_LDADD = $(UNIT_LIBS)
tests_unit_test_session_SOURCES = tests/unit/test_session.c tests/unit/web_fixture.c $(UNIT_HELPERS)
tests_unit_test_session_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_session_LDADD = $(UNIT_LIBS)
tests_unit_test_setting_SOURCES = tests/unit/test_setting.c $(UNIT_HELPERS)
tests_unit_test_setting_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_setting_LDADD = $(UNIT_LIBS)
tests_unit_test_standing_SOURCES = tests/unit/test_standing.c $(UNIT_HELPERS)
tests_unit_test_standing_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_standing_LDADD = $(UNIT_LIBS)
tests_unit_test_text_SOURCES = tests/unit/test_text.c $(UNIT_HELPERS)
tests_unit_test_text_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_text_LDADD = $(UNIT_LIBS)
tests_unit_test_url_SOURCES = tests/unit/test_url.c $(UNIT_HELPERS)
tests_unit_test_url_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_url_LDADD = $(UNIT_LIBS)
tests_unit_test_wire_SOURCES = tests/unit/test_wire.c tests/unit/arena_fixture.c $(UNIT_HELPERS)
tests_unit_test_wire_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_wire_LDADD = $(UNIT_LIBS)
tests_unit_test_zone_SOURCES = tests/unit/test_zone.c $(UNIT_HELPERS)
tests_unit_test_zone_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_zone_LDADD = $(UNIT_LIBS)
tests_unit_test_api_keys_SOURCES = tests/unit/test_api_keys.c tests/unit/store_fixture.c $(UNIT_HELPERS)
tests_unit_test_api_keys_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_api_keys_LDADD = $(UNIT_LIBS)
tests_unit_test_appointments_SOURCES = tests/unit/test_appointments.c tests/unit/store_fixture.c $(UNIT_HELPERS)
tests_unit_test_appointments_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_appointments_LDADD = $(UNIT_LIBS)
tests_unit_test_audit_log_SOURCES = tests/unit/test_audit_log.c tests/unit/store_fixture.c $(UNIT_HELPERS)
tests_unit_test_audit_log_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_audit_log_LDADD = $(UNIT_LIBS)
tests_unit_test_calbridge_SOURCES = tests/unit/test_calbridge.c tests/unit/store_fixture.c $(UNIT_HELPERS)
tests_unit_test_calbridge_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_calbridge_LDADD = $(UNIT_LIBS)
tests_unit_test_callers_SOURCES = tests/unit/test_callers.c tests/unit/store_fixture.c $(UNIT_HELPERS)
tests_unit_test_callers_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_callers_LDADD = $(UNIT_LIBS)
tests_unit_test_connections_SOURCES = tests/unit/test_connections.c tests/unit/store_fixture.c $(UNIT_HELPERS)
tests_unit_test_connections_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_connections_LDADD = $(UNIT_LIBS)
tests_unit_test_db_SOURCES = tests/unit/test_db.c tests/unit/db_fixture.c $(UNIT_HELPERS)
tests_unit_test_db_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_db_LDFLAGS = $(WHOLE_LIBRARY)
tests_unit_test_db_LDADD = $(UNIT_LIBS)
tests_unit_test_db_faults_SOURCES = tests/unit/test_db_faults.c tests/unit/db_fixture.c tests/unit/db_proxy.c $(UNIT_HELPERS)
tests_unit_test_db_faults_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_db_faults_LDADD = $(UNIT_LIBS)
tests_unit_test_kept_events_SOURCES = tests/unit/test_kept_events.c tests/unit/store_fixture.c $(UNIT_HELPERS)
tests_unit_test_kept_events_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_kept_events_LDADD = $(UNIT_LIBS)
tests_unit_test_mappings_SOURCES = tests/unit/test_mappings.c tests/unit/store_fixture.c $(UNIT_HELPERS)
tests_unit_test_mappings_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_mappings_LDADD = $(UNIT_LIBS)
tests_unit_test_migrations_SOURCES = tests/unit/test_migrations.c tests/unit/db_fixture.c tests/unit/db_proxy.c $(UNIT_HELPERS)
tests_unit_test_migrations_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_migrations_LDFLAGS = $(WHOLE_LIBRARY)
tests_unit_test_migrations_LDADD = $(UNIT_LIBS)
tests_unit_test_oauth_states_SOURCES = tests/unit/test_oauth_states.c tests/unit/store_fixture.c $(UNIT_HELPERS)
tests_unit_test_oauth_states_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_oauth_states_LDADD = $(UNIT_LIBS)
tests_unit_test_owners_SOURCES = tests/unit/test_owners.c tests/unit/store_fixture.c $(UNIT_HELPERS)
tests_unit_test_owners_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_owners_LDADD = $(UNIT_LIBS)
tests_unit_test_tally_SOURCES = tests/unit/test_tally.c $(UNIT_HELPERS)
tests_unit_test_tally_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_tally_LDADD = $(UNIT_LIBS)
tests_unit_test_provider_slots_SOURCES = tests/unit/test_provider_slots.c tests/unit/store_fixture.c $(UNIT_HELPERS)
tests_unit_test_provider_slots_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_provider_slots_LDADD = $(UNIT_LIBS)
tests_unit_test_provider_limits_SOURCES = tests/unit/test_provider_limits.c tests/unit/store_fixture.c $(UNIT_HELPERS)
tests_unit_test_provider_limits_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_provider_limits_LDADD = $(UNIT_LIBS)
tests_unit_test_sessions_SOURCES = tests/unit/test_sessions.c tests/unit/store_fixture.c $(UNIT_HELPERS)
tests_unit_test_sessions_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_sessions_LDADD = $(UNIT_LIBS)
tests_unit_test_store_faults_SOURCES = tests/unit/test_store_faults.c tests/unit/db_proxy.c tests/unit/store_fixture.c $(UNIT_HELPERS)
tests_unit_test_store_faults_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_store_faults_LDADD = $(UNIT_LIBS)
tests_unit_test_sync_claim_SOURCES = tests/unit/test_sync_claim.c tests/unit/store_fixture.c $(UNIT_HELPERS)
tests_unit_test_sync_claim_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_sync_claim_LDADD = $(UNIT_LIBS)
tests_unit_test_sync_queue_SOURCES = tests/unit/test_sync_queue.c tests/unit/store_fixture.c $(UNIT_HELPERS)
tests_unit_test_sync_queue_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_sync_queue_LDADD = $(UNIT_LIBS)
tests_unit_test_svc_SOURCES = tests/unit/test_svc.c tests/unit/store_fixture.c $(UNIT_HELPERS)
tests_unit_test_svc_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_svc_LDADD = $(UNIT_LIBS)
tests_unit_test_tenants_SOURCES = tests/unit/test_tenants.c tests/unit/store_fixture.c $(UNIT_HELPERS)
tests_unit_test_tenants_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_tenants_LDADD = $(UNIT_LIBS)

tests_fuzz_replay_connect_link_SOURCES = tests/fuzz/fuzz_connect_link.c tests/fuzz/replay.c
tests_fuzz_replay_connect_link_LDADD = $(CB_LIBS)
tests_fuzz_fuzz_connect_link_SOURCES = tests/fuzz/fuzz_connect_link.c
tests_fuzz_fuzz_connect_link_LDADD = $(CB_LIBS)
tests_fuzz_fuzz_connect_link_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_replay_google_json_SOURCES = tests/fuzz/fuzz_google_json.c tests/fuzz/replay.c
tests_fuzz_replay_google_json_LDADD = $(CB_LIBS)
tests_fuzz_fuzz_google_json_SOURCES = tests/fuzz/fuzz_google_json.c
tests_fuzz_fuzz_google_json_LDADD = $(CB_LIBS)
tests_fuzz_fuzz_google_json_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_replay_json_SOURCES = tests/fuzz/fuzz_json.c tests/fuzz/replay.c
tests_fuzz_replay_json_LDADD = $(CB_LIBS)
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c
tests_fuzz_fuzz_json_LDADD = $(CB_LIBS)
tests_fuzz_fuzz_json_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_replay_jwt_SOURCES = tests/fuzz/fuzz_jwt.c tests/fuzz/replay.c
tests_fuzz_replay_jwt_LDADD = $(CB_LIBS)
tests_fuzz_fuzz_jwt_SOURCES = tests/fuzz/fuzz_jwt.c
tests_fuzz_fuzz_jwt_LDADD = $(CB_LIBS)
tests_fuzz_fuzz_jwt_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_replay_outlook_json_SOURCES = tests/fuzz/fuzz_outlook_json.c tests/fuzz/replay.c
tests_fuzz_replay_outlook_json_LDADD = $(CB_LIBS)
tests_fuzz_fuzz_outlook_json_SOURCES = tests/fuzz/fuzz_outlook_json.c
tests_fuzz_fuzz_outlook_json_LDADD = $(CB_LIBS)
tests_fuzz_fuzz_outlook_json_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_replay_privacy_SOURCES = tests/fuzz/fuzz_privacy.c tests/fuzz/replay.c
tests_fuzz_replay_privacy_LDADD = $(CB_LIBS)
tests_fuzz_fuzz_privacy_SOURCES = tests/fuzz/fuzz_privacy.c
tests_fuzz_fuzz_privacy_LDADD = $(CB_LIBS)
tests_fuzz_fuzz_privacy_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_replay_rfc3339_SOURCES = tests/fuzz/fuzz_rfc3339.c tests/fuzz/replay.c
tests_fuzz_replay_rfc3339_LDADD = $(CB_LIBS)
tests_fuzz_fuzz_rfc3339_SOURCES = tests/fuzz/fuzz_rfc3339.c
tests_fuzz_fuzz_rfc3339_LDADD = $(CB_LIBS)
tests_fuzz_fuzz_rfc3339_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_replay_route_SOURCES = tests/fuzz/fuzz_route.c tests/fuzz/replay.c
tests_fuzz_replay_route_LDADD = $(CB_LIBS)
tests_fuzz_fuzz_route_SOURCES = tests/fuzz/fuzz_route.c
tests_fuzz_fuzz_route_LDADD = $(CB_LIBS)
tests_fuzz_fuzz_route_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer

tests_conformance_ask_SOURCES = tests/conformance/ask.c
tests_conformance_ask_LDADD = $(CB_LIBS)

include tests/stack/stack.mk
include tests/bench/bench.mk

dist_check_SCRIPTS = tests/unit/with_mariadb.sh
EXTRA_DIST += tests/check.py tests/sandbox tests/conformance tests/http tests/crash tests/browser \
	tests/deploy tests/fuzz/seeds $(FUZZ_DICTIONARIES)

.PHONY: check-asan check-tsan fuzz long-check
# The totals are the last line. CALBRIDGE_CHECK="unit http" chooses suites.
check-local: all
	@CALBRIDGE_CHECK="$${CALBRIDGE_CHECK-$(SUITES)}" \
		$(PYTHON) -B $(srcdir)/tests/check.py --build $(abs_builddir) \
		--unit $(UNIT_TESTS) --unit-db $(UNIT_DB_TESTS) --replay $(FUZZ_REPLAYS)

# The same tests, the figures at their full size.
LONG_FUZZ_RUNS = 5000000
long-check:
	@CALBRIDGE_LONG=1 $(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=0 FUZZ_RUNS=$(LONG_FUZZ_RUNS)

# The same tests on programs built with sanitizers, in build folders of their own.
check-asan:
	@$(MAKE) --no-print-directory sanitized WORD=asan SANITIZERS=address,undefined
check-tsan:
	@$(MAKE) --no-print-directory sanitized WORD=tsan SANITIZERS=thread
.PHONY: sanitized
sanitized:
	@$(MKDIR_P) $(WORD)
	@test -f $(WORD)/Makefile || (cd $(WORD) && $(abs_top_srcdir)/configure \
		CC='$(CC)' CFLAGS='-O1 -g' --enable-sanitizers=$(SANITIZERS))
	@$(MAKE) --no-print-directory -C $(WORD) all
	@CALBRIDGE_CHECK="$${CALBRIDGE_CHECK-unit http crash}" \
		$(MAKE) --no-print-directory -C $(WORD) check

# Each target for FUZZ_SECONDS (0: no limit) or FUZZ_RUNS inputs (-1: no limit), whatever is over
# first, with clang's libFuzzer under ASan and UBSan.
FUZZ_SECONDS = 60
FUZZ_RUNS = -1
fuzz:
	@$(MKDIR_P) fuzzing
	@test -f fuzzing/Makefile || (cd fuzzing && $(abs_top_srcdir)/configure CC=clang \
		CFLAGS='-O1 -g' --enable-sanitizers=address,undefined,fuzzer-no-link)
	@$(MAKE) --no-print-directory -C fuzzing $(FUZZ_TARGETS)
	@for target in $(FUZZ_TARGETS); do \
		name=$${target#tests/fuzz/fuzz_}; $(MKDIR_P) fuzzing/corpus/$$name; \
		words=$(srcdir)/tests/fuzz/$$name.dict; \
		echo "--- $$name"; \
		./fuzzing/$$target -max_total_time=$(FUZZ_SECONDS) -runs=$(FUZZ_RUNS) \
			$$(test ! -f $$words || echo -dict=$$words) \
			-print_final_stats=1 -verbosity=0 \
			fuzzing/corpus/$$name $(srcdir)/tests/fuzz/seeds/$$name || exit 1; \
	done

# distcheck has no network and little time: the unit tests alone.
AM_DISTCHECK_CONFIGURE_FLAGS = --enable-werror SUITES=unit
