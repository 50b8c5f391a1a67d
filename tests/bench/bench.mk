# make bench: calbridge against hand-written floors (BENCHFLAGS: --quick, --rounds N, ...).
# Its programs are built by nothing else.
BENCH_TOOLS = \
	tests/bench/floor_event \
	tests/bench/floor_hello \
	tests/bench/loadgen \
	tests/bench/provider_stub
EXTRA_PROGRAMS += $(BENCH_TOOLS)
CLEANFILES += $(BENCH_TOOLS)


tests_bench_floor_event_SOURCES = tests/bench/floor_event.c tests/bench/floor.c tests/bench/floor.h
tests_bench_floor_event_LDADD = $(FCGI_LIBS) $(MARIADB_LIBS) $(CURL_LIBS) $(OPENSSL_LIBS)

tests_bench_floor_hello_SOURCES = tests/bench/floor_hello.c tests/bench/floor.c tests/bench/floor.h
tests_bench_floor_hello_LDADD = $(FCGI_LIBS)

tests_bench_loadgen_SOURCES = tests/bench/loadgen.c tests/bench/load_http.c tests/bench/load_http.h
tests_bench_loadgen_LDADD = $(OPENSSL_LIBS) $(YAJL_LIBS)

tests_bench_provider_stub_SOURCES = \
	tests/bench/provider_stub.c \
	tests/bench/stub_conn.c tests/bench/stub_conn.h \
	tests/bench/stub_google.c tests/bench/stub_google.h \
	tests/bench/due.c tests/bench/due.h
tests_bench_provider_stub_CFLAGS = $(AM_CFLAGS) $(NGHTTP2_CFLAGS)
tests_bench_provider_stub_LDADD = $(NGHTTP2_LIBS) $(OPENSSL_LIBS) $(GLIB_LIBS) $(YAJL_LIBS)

EXTRA_DIST += \
	tests/bench/apps.py \
	tests/bench/bench.py \
	tests/bench/measure.py \
	tests/bench/place.py

.PHONY: bench
bench: all $(BENCH_TOOLS)
	@exec $(PYTHON) -B $(srcdir)/tests/bench/bench.py --build $(abs_builddir) $(BENCHFLAGS)
