/*
 * floor_hello: the smallest FastCGI program there is: it answers every request
 * with one fixed JSON text. What nginx, TLS and libfcgi cost by themselves.
 *
 *	floor_hello -s SOCKET [-w WORKERS] [-t THREADS]
 */
#include "tests/bench/floor.h"

#include <stdio.h>
#include <unistd.h>

static void hello_serve(void *thread, FCGX_Request *rq)
{
	(void)thread;
	floor_json(rq, NULL, "{\"hello\": \"world\"}");
}

int main(int argc, char **argv)
{
	struct floor f = {.workers = 2, .threads = 16, .serve = hello_serve};
	int opt = 0;

	while ((opt = getopt(argc, argv, "s:w:t:")) != -1) {
		if (opt == 's')
			f.socket = optarg;
		else if (opt == 'w')
			f.workers = floor_number("-w", optarg, 1, FLOOR_WORKERS_MAX);
		else if (opt == 't')
			f.threads = floor_number("-t", optarg, 1, FLOOR_THREADS_MAX);
		else
			return 2;
	}
	if (!f.socket || optind < argc) {
		fprintf(stderr, "usage: floor_hello -s SOCKET [-w WORKERS] [-t THREADS]\n");
		return 2;
	}
	return floor_run(&f);
}
