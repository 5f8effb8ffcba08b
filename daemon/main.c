/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epaird - holds any number of pairs, and does what the tool asks.
 *
 * The main thread serves clients and the workers of the instance move frames;
 * neither waits for the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <epair/epair.h>

#include "cli/cli.h"
#include "cli/opts.h"
#include "ctl/client.h"
#include "ctl/http.h"
#include "ctl/server.h"
#include "ctl/takeover.h"
#include "daemon/daemon.h"

#define FILES "/run:/tmp:/var/tmp"

struct options {
	bool version, forget, fd_store, takeover, apart;
	const char *socket, *state, *metrics, *files;
	uint64_t workers, queues, poll_us, pairs_max;
	uint64_t conns, conns_user, line, requests, streams;
};

#define NUMBER(name_, arg_, field_, min_, max_, sentence_) \
	{ \
		.name = name_, .arg = arg_, .sentence = sentence_, \
		.parse = opt_number, .min = min_, .max = max_, \
		.offset = offsetof(struct options, field_) \
	}

static const struct opt options[] = {
	{ .name = "socket",
	    .arg = "PATH",
	    .sentence = "where clients connect to",
	    .parse = opt_text,
	    .allowed = "the path of a socket",
	    .offset = offsetof(struct options, socket) },
	{ .name = "state",
	    .arg = "FOLDER",
	    .sentence = "what survives a crash is kept here [/var/lib/epair, a "
			"user's ~/.local/state/epair; nowhere with --socket]",
	    .parse = opt_text,
	    .allowed = "the path of a folder",
	    .offset = offsetof(struct options, state) },
	{ .name = "fd-store",
	    .sentence = "keep descriptors in systemd's store, not in a process",
	    .parse = opt_flag,
	    .offset = offsetof(struct options, fd_store) },
	{ .name = "takeover",
	    .sentence = "take over from the daemon that uses the state",
	    .parse = opt_flag,
	    .offset = offsetof(struct options, takeover) },
	{ .name = "forget",
	    .sentence = "let go of what a killed daemon left, and end",
	    .parse = opt_flag,
	    .offset = offsetof(struct options, forget) },
	{ .name = "files",
	    .arg = "DIR[:DIR...]",
	    .sentence = "where attachments may open files [" FILES "]",
	    .parse = opt_text,
	    .allowed = "folders, with colons between them",
	    .offset = offsetof(struct options, files) },
	{ .name = "metrics",
	    .arg = "[ADDR:]PORT",
	    .sentence = "serve metrics by HTTP there; ADDR is 127.0.0.1",
	    .parse = opt_text,
	    .allowed = "PORT, ADDR:PORT or [ADDR]:PORT",
	    .offset = offsetof(struct options, metrics) },
	NUMBER("workers", "N", workers, 1, EPAIR_WORKERS_MAX,
	    "threads that move frames [1]"),
	{ .name = "apart",
	    .sentence = "the ends of a pair on two of them, not on one",
	    .parse = opt_flag,
	    .offset = offsetof(struct options, apart) },
	NUMBER("queues", "N", queues, 1, EPAIR_WORKERS_MAX,
	    "queues of each end, by flow hash [1]"),
	NUMBER("poll-us", "N", poll_us, 0, 1000000,
	    "poll so long before sleeping [0]"),
	NUMBER("max-pairs", "N", pairs_max, 1, EPAIR_PAIRS_MAX,
	    "pairs that there may be [65536]"),
	NUMBER("max-clients", "N", conns, 1, 65536,
	    "connections of other users [256]"),
	NUMBER("max-clients-user", "N", conns_user, 1, 65536,
	    "connections of one of them [32]"),
	NUMBER("max-line", "OCTETS", line, 4096, 1u << 30,
	    "a line of theirs [262144]"),
	NUMBER("max-requests", "N", requests, 0, 1000000,
	    "of one of their connections in a second; 0: no limit [1000]"),
	NUMBER("max-streams", "N", streams, 1, 4096,
	    "captures and monitors of one of them [16]"),
	{ .name = "version",
	    .letter = 'V',
	    .sentence = "print the version",
	    .parse = opt_flag,
	    .offset = offsetof(struct options, version) },
	{ NULL },
};

static const struct verb self = { .name = "epaird", .opts = options };

struct daemon {
	struct options o;
	char path[CTL_PATH_MAX];
	char folder[STATE_PATH_MAX]; /* of the state, or "" */
	struct epair *ep;
	struct ctl_loop loop;
	struct ctl_world world;
	struct ctl_changes changes;
	struct ctl_server server;
	struct ctl_http http;
	struct ctl_state state;
	struct ctl_takeover takeover;
	struct ctl_heritage heritage;
	struct ctl_watch signals;
	struct rights rights;
};

/* The only one: a signal handler's file has nothing else to go by. */
void
cli_complain(const struct cli *cli, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	(void)cli;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "epaird: %s\n", text);
}

static int
complain(const char *what, int error, const struct epair_err *err)
{
	if (err != NULL && err->text[0] != '\0')
		cli_complain(NULL, "%s", err->text);
	else
		cli_complain(NULL, "%s: %s", what, strerror(-error));
	return error;
}

/* Every TAP has a descriptor or two: as many as the system lets us have. */
static void
raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void
on_signal(struct ctl_watch *w, uint32_t events)
{
	struct daemon *d = EP_CONTAINER_OF(w, struct daemon, signals);
	struct signalfd_siginfo si;

	(void)events;
	if (read(w->fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		ctl_loop_end(&d->loop);
}

static int
watch_signals(struct daemon *d)
{
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	d->signals =
	    (struct ctl_watch){ signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
		    EPOLLIN, on_signal };
	if (d->signals.fd < 0)
		return -errno;
	return ctl_watch_add(&d->loop, &d->signals);
}

static int
make_instance(struct daemon *d)
{
	struct epair_opts opts = {
		.size = sizeof(opts),
		.workers = (unsigned)d->o.workers,
		.apart = d->o.apart,
		.queues = (unsigned)d->o.queues,
		.poll_us = (uint32_t)d->o.poll_us,
		.pairs_max = (uint32_t)d->o.pairs_max,
		.name = d->path,
		.guard_sigbus = true,
	};
	struct epair_err err = { 0 };
	const char *files = d->o.files != NULL ? d->o.files : FILES;
	int error = rights_name(&d->rights, d->path, d->folder, files);

	if (error == 0 && d->o.files != NULL)
		error = rights_check_files(files, &err);
	if (error != 0)
		return complain("--files", error, &err);
	error = rights_make_instance(&d->rights, &opts, &d->ep, &err);
	return error == 0 ? 0 : complain("instance", error, &err);
}

/*
 * Another has all that is ours, and what we hold dies with us: there is nothing
 * to be put in order, and no time for it. But who asked for a change is told
 * that it was not made.
 */
static void
end_for_another(void *arg)
{
	struct daemon *d = arg;

	ctl_changes_fini(&d->changes);
	ctl_server_push(&d->server);
	_exit(CLI_OK);
}

/* Without it, the next daemon has to wait until we have ended. */
static void
be_ready_to_hand_over(struct daemon *d, int is_ours)
{
	struct epair_err err = { 0 };
	int error;

	d->takeover = (struct ctl_takeover){ .loop = &d->loop,
		.changes = &d->changes,
		.state = &d->state,
		.folder = ctl_journal_folder(d->state.journal),
		.listener = d->server.listener.fd,
		.unlinks = is_ours != 0,
		.patience_ns = CTL_TAKEOVER_PATIENCE_NS,
		.go = end_for_another,
		.arg = d };
	error = ctl_takeover_start(&d->takeover);
	if (error != 0)
		(void)complain("takeover", error, &err);
}

static int
open_socket(struct daemon *d, int *is_ours, struct epair_err *err)
{
	if (d->heritage.listener < 0)
		return socket_open(d->path, is_ours, err);
	*is_ours = d->heritage.unlinks;
	return d->heritage.listener;
}

/* By HTTP, if that is asked for. */
static int
serve_metrics(struct daemon *d, struct epair_err *err)
{
	int sock;

	if (d->o.metrics == NULL)
		return 0;
	sock = ctl_http_listen(d->o.metrics, err);
	if (sock < 0)
		return sock;
	return ctl_http_start(&d->http, sock);
}

static int
serve(struct daemon *d)
{
	struct ctl_limits limits = CTL_LIMITS_DEFAULT;
	struct epair_err err = { 0 };
	int is_ours, error, sock = open_socket(d, &is_ours, &err);

	if (sock < 0)
		return complain(d->path, sock, &err);
	limits.conns = (unsigned)d->o.conns;
	limits.conns_user = (unsigned)d->o.conns_user;
	limits.line = (size_t)d->o.line;
	limits.requests = (unsigned)d->o.requests;
	limits.streams = (unsigned)d->o.streams;
	d->server = (struct ctl_server){ .loop = &d->loop,
		.world = &d->world,
		.changes = &d->changes,
		.limits = limits,
		.log = log_line };
	d->http = (struct ctl_http){ .server = &d->server,
		.listener = { .fd = -1 } };
	error = ctl_server_start(&d->server, sock);
	if (error == 0 && d->state.is_open)
		be_ready_to_hand_over(d, is_ours);
	if (error == 0)
		error = serve_metrics(d, &err);
	if (error == 0)
		error = rights_give_up(&d->rights);
	if (error == 0) {
		sd_begin(&d->loop);
		error = ctl_loop_run(&d->loop);
		sd_end();
	}
	if (error != 0)
		(void)complain("serving", error, &err);
	if (d->takeover.listener > 0)
		ctl_takeover_stop(&d->takeover);
	if (is_ours)
		(void)unlink(d->path);
	ctl_http_stop(&d->http);
	ctl_changes_fini(&d->changes);
	ctl_server_stop(&d->server);
	return error;
}

static int
be_alone(void *arg, struct epair_err *err)
{
	return ctl_heritage_go(arg, err);
}

/* Be what the one before us was, and have what we are survive us. */
static int
remember(struct daemon *d)
{
	struct epair_err err = { 0 };
	int error;

	d->state = (struct ctl_state){
		.loop = &d->loop, .world = &d->world, .log = log_line
	};
	if (*d->folder == '\0')
		return 0;
	if (d->heritage.sock >= 0) {
		d->state.alone = be_alone;
		d->state.alone_arg = &d->heritage;
	}
	error = state_open(
	    &d->state, d->folder, d->heritage.lock, d->o.fd_store, &err);
	return error == 0 ? 0 : complain(d->folder, error, &err);
}

static int
run(struct daemon *d)
{
	struct epair_err err = { 0 };
	int error;

	raise_limit();
	d->heritage = (struct ctl_heritage){ -1, -1, -1, false };
	if (d->o.takeover) {
		error = ctl_heritage_take(d->folder, &d->heritage, &err);
		if (error != 0)
			return complain(d->folder, error, &err);
	}
	error = ctl_loop_init(&d->loop);
	if (error == 0)
		error = watch_signals(d);
	if (error != 0)
		return complain("start", error, NULL);
	error = make_instance(d);
	if (error == 0) {
		error = ctl_world_init(&d->world, d->ep, &err);
		if (error != 0)
			(void)complain("start", error, &err);
	}
	if (error == 0) {
		error = remember(d);
		ctl_changes_init(&d->changes, &d->loop, &d->world,
		    d->state.is_open ? &d->state.store : NULL);
		if (error == 0)
			error = serve(d);
		ctl_state_close(&d->state, error == 0);
		ctl_world_fini(&d->world);
	}
	if (d->ep != NULL)
		(void)epair_free(d->ep);
	ctl_loop_fini(&d->loop);
	return error;
}

static int
forget(const struct daemon *d)
{
	struct epair_err err = { 0 };
	int error = ctl_keep_end_process(d->folder, &err);

	if (error != 0)
		(void)complain(d->folder, error, &err);
	return error == 0 ? CLI_OK : CLI_FAILED;
}

static int
help(void)
{
	(void)printf("usage: epaird [OPTION ...]\n\n"
		     "Holds pairs, and does what epair(8) asks.\n\n");
	opts_help(options, stdout);
	return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}

/* Where it listens, and where its state is: "" if nowhere. */
static int
take_paths(struct daemon *d)
{
	if (d->o.socket == NULL)
		(void)ctl_own_path(d->path);
	else if (strlen(d->o.socket) < sizeof(d->path))
		strcpy(d->path, d->o.socket);
	else {
		cli_complain(NULL, "--socket: a path has at most %zu octets",
		    sizeof(d->path) - 1);
		return CLI_USAGE;
	}
	if (d->o.state != NULL && strlen(d->o.state) < sizeof(d->folder))
		strcpy(d->folder, d->o.state);
	else if (d->o.state != NULL) {
		cli_complain(NULL, "--state: a path has at most %zu octets",
		    sizeof(d->folder) - 1);
		return CLI_USAGE;
	} else if (d->o.socket == NULL)
		(void)state_own_path(d->folder);
	if (*d->folder == '\0' &&
	    (d->o.forget || d->o.takeover || d->o.fd_store)) {
		cli_complain(NULL,
		    "--%s: with --socket alone nothing is kept; allowed with "
		    "--state",
		    d->o.forget     ? "forget"
		    : d->o.takeover ? "takeover"
				    : "fd-store");
		return CLI_USAGE;
	}
	return CLI_OK;
}

int
main(int argc, char **argv)
{
	static struct daemon d = { .o = {
				       .workers = 1,
				       .queues = 1,
				       .pairs_max = 65536,
				       .conns = 256,
				       .conns_user = 32,
				       .line = 256u << 10,
				       .requests = 1000,
				       .streams = 16,
				   } };
	int first;

	switch (opts_parse(NULL, &self, &d.o, argc, argv, &first)) {
	case OPTS_OK:
		break;
	case OPTS_HELP:
		return help();
	case OPTS_WRONG:
	default:
		return CLI_USAGE;
	}
	if (d.o.version) {
		(void)printf("epaird %s\n", epair_version());
		return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
	}
	if (first < argc) {
		cli_complain(NULL, "%s: takes no operands", argv[first]);
		return CLI_USAGE;
	}
	if (take_paths(&d) != CLI_OK)
		return CLI_USAGE;
	if (d.o.forget)
		return forget(&d);
	return run(&d) == 0 ? CLI_OK : CLI_FAILED;
}
