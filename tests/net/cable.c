/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One pair, kept by a program that does what its standard input says: the tests
 * of namespaces steer it from outside. As a program of anybody's would, it
 * starts the opener, gives up all rights, and goes on without.
 *
 *	cable [-ad] [-L MBUFS] [-M MBUFS] [-m MTU] [-q QUEUES] [-w WORKERS] A B
 *
 * A and B are attachments, "-" for none, or "callbacks:SPEC": functions of this
 * program, which take frames unfinished and carry them to and from another pair
 * of it, with SPEC at the far end; "callbacks-off:SPEC": finished. -a keeps the
 * ends apart, on two workers; -d leaves both down, -L and -M limit large and
 * small mbufs. Commands, a line each, answered by one line that begins with
 * "ok" or "error":
 *
 *	stats a                 what the end is and has counted, key=value
 *	set a WORD [VALUE]      see epair_if_set()
 *	attach a SPEC           detach a
 *	capture FILE            both ends, as pcapng; "capture" alone ends it
 *	usage                   what the instance holds
 *
 * The end of its input ends it. Events are lines that begin with "event".
 */
#include <cap-ng.h>
#include <epair/epair.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct cable {
	struct epair *ep;
	const struct epair_create *how;
	struct epair_if *ends[2];
	struct epair_sub *sub;
	struct epair_capture *cap;
	int cap_fd;
};

static void
answer(int error, const struct epair_err *err)
{
	if (error == 0)
		(void)printf("ok\n");
	else
		(void)printf("error %s %s\n", epair_err_name(error),
		    err != NULL ? err->text : "");
}

static void
say_stats(struct epair_if *ifp)
{
	struct epair_if_info info = { .size = sizeof(info) };
	struct epair_if_stats s = { .size = sizeof(s) };
	struct epair_link_stats link = { .size = sizeof(link) };

	(void)epair_if_get_stats(ifp, &s);
	(void)epair_if_get_info(ifp, &info);
	(void)epair_if_get_link_stats(ifp, &link);
	(void)printf("ok name=%s mtu=%u mac=%02x:%02x:%02x:%02x:%02x:%02x "
		     "flags=%u link=%d attached=%d",
	    info.name, info.mtu, info.mac[0], info.mac[1], info.mac[2],
	    info.mac[3], info.mac[4], info.mac[5], info.flags, (int)info.link,
	    *info.attachment != '\0');
	(void)printf(" ipackets=%" PRIu64 " opackets=%" PRIu64
		     " ibytes=%" PRIu64 " obytes=%" PRIu64 " oerrors=%" PRIu64
		     " oqdrops=%" PRIu64 " queued=%" PRIu64
		     " delivered=%" PRIu64,
	    s.ipackets, s.opackets, s.ibytes, s.obytes, s.oerrors, s.oqdrops,
	    s.queued, s.delivered);
	(void)printf(" waits=%" PRIu64 " link-duplicated=%" PRIu64
		     " link-dropped=%" PRIu64,
	    s.waits, link.duplicated, link.dropped);
	for (int i = 0; i < EPAIR_DROP_MAX; i++)
		if (s.drops[i] > 0)
			(void)printf(" drop-%s=%" PRIu64,
			    epair_drop_word((enum epair_drop)i), s.drops[i]);
	(void)printf("\n");
}

static void
say_usage(struct epair *ep)
{
	struct epair_usage u = { .size = sizeof(u) };

	(void)epair_get_usage(ep, &u);
	(void)printf("ok mbufs=%" PRIu64 " pairs=%u tasks=%u\n", u.mbufs,
	    u.pairs, u.tasks_waiting);
}

static void
capture(struct cable *c, const char *path)
{
	struct epair_capture_opts opts = { .size = sizeof(opts),
		.flags = EPAIR_CAPTURE_BOTH,
		.buffer = 64u << 20 };
	struct epair_err err;
	int error;

	if (c->cap != NULL) {
		error = epair_capture_dump(c->cap, c->cap_fd, 1);
		epair_capture_close(c->cap);
		(void)close(c->cap_fd);
		c->cap = NULL;
		answer(error < 0 ? error : 0, NULL);
		return;
	}
	c->cap_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	answer(epair_capture_open(c->ends[0], &opts, &c->cap, &err), &err);
}

/* What one pair delivers, the other sends. */
static void
carry(void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	(void)ifp;
	(void)epair_if_transmit(arg, ms, n);
}

/* The other pair goes first: nothing of it is on its way to ours any more. */
static void
let_go(void *arg, struct epair_if *ifp)
{
	(void)ifp;
	(void)epair_if_destroy(arg, NULL);
	epair_if_put(arg);
}

static int
attach_callbacks(struct cable *c, struct epair_if *ifp, uint32_t accepts,
    const char *spec, struct epair_err *err)
{
	struct epair_stack stack = {
		.size = sizeof(stack), .receive = carry, .accepts = accepts
	};
	struct epair_if *near, *far;
	int error;

	error = epair_if_create(c->ep, NULL, "epair", c->how, &near, err);
	if (error != 0)
		return error;
	far = epair_if_peer(near);
	(void)epair_if_up(near);
	(void)epair_if_up(far);
	error = epair_attach_stack(near, &stack, ifp, err);
	if (error == 0)
		error = epair_attach(far, spec, err);
	epair_if_put(far);
	stack.detached = let_go;
	if (error == 0)
		error = epair_attach_stack(ifp, &stack, near, err);
	if (error != 0)
		let_go(near, ifp);
	return error;
}

static int
attach(struct cable *c, struct epair_if *ifp, const char *spec,
    struct epair_err *err)
{
	static const char on[] = "callbacks:", off[] = "callbacks-off:";

	if (strncmp(spec, on, strlen(on)) == 0)
		return attach_callbacks(c, ifp,
		    EPAIR_CAP_CSUM | EPAIR_CAP_TSO | EPAIR_CAP_USO,
		    spec + strlen(on), err);
	if (strncmp(spec, off, strlen(off)) == 0)
		return attach_callbacks(c, ifp, 0, spec + strlen(off), err);
	return epair_attach(ifp, spec, err);
}

static void
obey(struct cable *c, char *line)
{
	struct epair_err err = { 0 };
	char *word = strtok(line, " \n"), *rest[3];
	struct epair_if *ifp;

	for (int i = 0; i < 3; i++)
		rest[i] = strtok(NULL, i < 2 ? " \n" : "\n");
	ifp = c->ends[rest[0] != NULL && *rest[0] == 'b'];
	if (word == NULL)
		(void)printf("error EINVAL nothing said\n");
	else if (strcmp(word, "stats") == 0)
		say_stats(ifp);
	else if (strcmp(word, "usage") == 0)
		say_usage(c->ep);
	else if (strcmp(word, "capture") == 0)
		capture(c, rest[0]);
	else if (strcmp(word, "set") == 0)
		answer(epair_if_set(ifp, rest[1], rest[2], &err), &err);
	else if (strcmp(word, "attach") == 0)
		answer(attach(c, ifp, rest[1], &err), &err);
	else if (strcmp(word, "detach") == 0)
		answer(epair_detach(ifp, &err), &err);
	else
		(void)printf("error EINVAL what is %s\n", word);
}

static void
tell_events(struct cable *c)
{
	struct epair_event ev;

	while (epair_event_next(c->sub, &ev) == 1)
		(void)printf("event %s %s %s\n", epair_event_word(ev.type),
		    ev.name, ev.detail);
}

static void
serve(struct cable *c)
{
	struct pollfd p[2] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = epair_event_fd(c->sub), .events = POLLIN },
	};
	char line[4096];

	for (;;) {
		(void)fflush(stdout);
		(void)poll(p, 2, -1);
		tell_events(c);
		if (p[0].revents == 0)
			continue;
		if (fgets(line, sizeof(line), stdin) == NULL)
			return;
		obey(c, line);
	}
}

static int
give_up_rights(void)
{
	if (capng_get_caps_process() != 0)
		return -1;
	capng_clear(CAPNG_SELECT_BOTH);
	return capng_apply(
	    geteuid() == 0 ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS);
}

static int
make(struct cable *c, const struct epair_opts *opts,
    const struct epair_create *how, bool is_down, char **specs)
{
	struct epair_err err = { 0 };
	int error = epair_new(opts, &c->ep, &err);

	c->how = how;
	if (error == 0)
		error = epair_opener_start(c->ep, &err);
	if (error == 0 && give_up_rights() != 0)
		(void)fprintf(stderr, "cable: cannot give up its rights\n");
	if (error == 0)
		error = epair_subscribe(c->ep, 0, &c->sub, &err);
	if (error == 0)
		error = epair_if_create(
		    c->ep, NULL, "epair", how, &c->ends[0], &err);
	if (error == 0)
		c->ends[1] = epair_if_peer(c->ends[0]);
	for (int i = 0; i < 2 && error == 0; i++) {
		if (!is_down)
			(void)epair_if_up(c->ends[i]);
		if (strcmp(specs[i], "-") != 0)
			error = attach(c, c->ends[i], specs[i], &err);
	}
	answer(error, &err);
	return error;
}

int
main(int argc, char **argv)
{
	struct epair_opts opts = { .size = sizeof(opts), .guard_sigbus = true };
	struct epair_create how = { .size = sizeof(how) };
	struct cable c = { 0 };
	bool is_down = false;
	int option, error;

	while ((option = getopt(argc, argv, "adL:M:m:q:w:")) != -1) {
		unsigned n = optarg != NULL ? (unsigned)atoi(optarg) : 0;

		is_down |= option == 'd';
		opts.apart |= option == 'a';
		if (option == 'L')
			opts.large_mbufs_max = n;
		if (option == 'M')
			opts.mbufs_max = n;
		if (option == 'm')
			how.mtu = n;
		if (option == 'q')
			opts.queues = n;
		if (option == 'w')
			opts.workers = n;
	}
	if (argc - optind != 2)
		return 2;
	if (make(&c, &opts, &how, is_down, argv + optind) == 0)
		serve(&c);
	epair_capture_close(c.cap);
	epair_unsubscribe(c.sub);
	for (int i = 0; i < 2 && c.ends[i] != NULL; i++)
		(void)epair_detach(c.ends[i], NULL);
	epair_if_put(c.ends[0]);
	epair_if_put(c.ends[1]);
	error = epair_free(c.ep);
	(void)printf("event freed %d\n", error);
	return error == 0 ? 0 : 1;
}
