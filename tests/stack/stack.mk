# make run: the whole service on this machine. The data stays in $(RUN).
RUN = $(abs_top_srcdir)/run
STACK_FILES = \
	tests/stack/__init__.py \
	tests/stack/client.py \
	tests/stack/fastcgi.py \
	tests/stack/figures.py \
	tests/stack/guard.py \
	tests/stack/mariadb.py \
	tests/stack/nginx.conf.in \
	tests/stack/nginx.py \
	tests/stack/ports.py \
	tests/stack/processes.py \
	tests/stack/run.py \
	tests/stack/sandbox.conf.in \
	tests/stack/settings.py \
	tests/stack/stack.py \
	tests/stack/tls.py
EXTRA_DIST += $(STACK_FILES)

.PHONY: run
run: all
	@exec $(PYTHON) -B $(srcdir)/tests/stack/run.py \
		--build $(abs_builddir) --run $(RUN)
