/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interfaces of a daemon, in Wireshark: an extcap program, see extcap(4).
 *
 *	--extcap-interfaces      lists them, as epair:NAME or epair:VNET/NAME
 *	--extcap-dlts            Ethernet
 *	--extcap-config          the options that Wireshark asks about
 *	--capture --fifo PATH    writes pcapng there until nobody reads
 *
 * A capture outlives its interface: when the pair is destroyed, or the daemon
 * ends, it waits until the interface is there again, and goes on. What follows
 * belongs to the same section of the file: the headers of every capture but
 * the first are left out, since they say what the first one's said. Only whole
 * blocks are written: a daemon ends in the middle of one.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include <epair/epair.h>

#include "ctl/client.h"
#include "ctl/codec_if.h"

#define PREFIX   "epair:"
#define RETRY_MS 500

enum { SECTION_HEADER = 0x0A0D0D0A, INTERFACE_DESCRIPTION = 1 };

/* A frame of 262144 octets, and what is said of it. */
#define BLOCK_MAX (1u << 19)

struct extcap {
	const char *interface; /* without PREFIX */
	const char *socket, *filter, *side, *fifo_path;
	bool list, dlts, config, capture;
	int fifo;
	unsigned headers; /* that were written, each once */
	bool is_changed; /* an event came */
};

static const struct option options[] = {
	{ "extcap-interfaces", no_argument, NULL, 'l' },
	{ "extcap-version", optional_argument, NULL, 'i' },
	{ "extcap-interface", required_argument, NULL, 'n' },
	{ "extcap-dlts", no_argument, NULL, 'd' },
	{ "extcap-config", no_argument, NULL, 'c' },
	{ "extcap-reload-option", required_argument, NULL, 'i' },
	{ "extcap-capture-filter", required_argument, NULL, 'f' },
	{ "capture", no_argument, NULL, 'C' },
	{ "fifo", required_argument, NULL, 'F' },
	{ "side", required_argument, NULL, 's' },
	{ "socket", required_argument, NULL, 'S' },
	{ NULL, 0, NULL, 0 },
};

static int
open_client(const struct extcap *x, struct ctl_client *c, struct epair_err *err)
{
	char path[CTL_PATH_MAX];

	return ctl_client_open(
	    c, x->socket != NULL ? x->socket : ctl_default_path(path), err);
}

/* What is in braces ends at a brace, and there is no way around it. */
static bool
can_be_said(const char *text)
{
	return strpbrk(text, "{}") == NULL;
}

static void
list_page(json_t *page)
{
	struct epair_err err = { 0 };
	struct ctl_if ifc;
	json_t *object;
	size_t i;

	json_array_foreach(json_object_get(page, "interfaces"), i, object)
	{
		bool is_first;

		if (ctl_if_decode(object, &ifc, &err) != 0 ||
		    !can_be_said(ifc.info.name) || !can_be_said(ifc.info.vnet))
			continue;
		is_first = strcmp(ifc.info.vnet, "vnet0") == 0;
		(void)printf("interface {value=" PREFIX
			     "%s%s%s}{display=epair: %s%s%s}\n",
		    is_first ? "" : ifc.info.vnet, is_first ? "" : "/",
		    ifc.info.name, ifc.info.name, is_first ? "" : " in ",
		    is_first ? "" : ifc.info.vnet);
	}
}

/* Wireshark asks at each start: where there is no daemon, there are none. */
static int
list(const struct extcap *x)
{
	json_t *params = json_pack("{s:b}", "stats", 0), *page = NULL, *more;
	struct epair_err err = { 0 };
	struct ctl_client c;

	(void)printf("extcap {version=%s}{display=epair}\n", epair_version());
	if (open_client(x, &c, &err) != 0) {
		json_decref(params);
		return 0;
	}
	while (ctl_client_call(&c, "show", json_incref(params), NULL, 0, &page,
		   NULL, &err) == 0) {
		list_page(page);
		more = json_incref(json_object_get(page, "more"));
		json_decref(page);
		if (more == NULL)
			break;
		(void)json_object_set_new(params, "after", more);
	}
	json_decref(params);
	ctl_client_close(&c);
	return 0;
}

static int
config(void)
{
	(void)printf(
	    "arg {number=0}{call=--side}{display=Frames}{type=selector}"
	    "{tooltip=Which frames are captured}\n"
	    "value {arg=0}{value=both}{display=of both ends of the pair}"
	    "{default=true}\n"
	    "value {arg=0}{value=end}{display=of this end}{default=false}\n"
	    "value {arg=0}{value=in}{display=that this end receives}"
	    "{default=false}\n"
	    "value {arg=0}{value=out}{display=that this end sends}"
	    "{default=false}\n"
	    "arg {number=1}{call=--socket}{display=Socket}{type=string}"
	    "{tooltip=Where the daemon is, if not where epair(8) looks}\n");
	return 0;
}

/* Whether anybody still reads, having waited for it or for fd. */
static bool
is_read(const struct extcap *x, int fd, int ms)
{
	struct pollfd pfds[] = {
		{ .fd = x->fifo, .events = 0 }, /* POLLERR comes unasked */
		{ .fd = fd, .events = POLLIN },
	};

	(void)poll(pfds, 2, ms);
	return pfds[0].revents == 0;
}

static bool
write_all(int fd, const char *octets, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, octets, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		octets += n;
		len -= (size_t)n;
	}
	return true;
}

/* A pcapng stream, from the beginning of a block. */
struct stream {
	char buf[BLOCK_MAX];
	size_t len;
	unsigned headers; /* that were met */
};

static bool
write_block(struct extcap *x, struct stream *s, const char *block, size_t len)
{
	uint32_t type;

	memcpy(&type, block, sizeof(type));
	if (type == SECTION_HEADER || type == INTERFACE_DESCRIPTION) {
		if (++s->headers <= x->headers)
			return true;
		x->headers = s->headers;
	}
	return write_all(x->fifo, block, len);
}

/*
 * Write the blocks in the buffer that are whole. Returns false when nobody
 * reads, or at what is no pcapng.
 */
static bool
write_blocks(struct extcap *x, struct stream *s)
{
	size_t at = 0;
	uint32_t len;

	while (s->len - at >= 2 * sizeof(len)) {
		memcpy(&len, s->buf + at + sizeof(len), sizeof(len));
		if (len < 12 || len > BLOCK_MAX)
			return false;
		if (s->len - at < len)
			break;
		if (!write_block(x, s, s->buf + at, len))
			return false;
		at += len;
	}
	memmove(s->buf, s->buf + at, s->len - at);
	s->len -= at;
	return true;
}

/* Until the capture ends (true), or nobody reads any more. */
static bool
copy(struct extcap *x, int from)
{
	static struct stream s;
	ssize_t n;

	s.len = 0;
	s.headers = 0;
	for (;;) {
		if (!is_read(x, from, -1))
			return false;
		n = read(from, s.buf + s.len, sizeof(s.buf) - s.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return true;
		s.len += (size_t)n;
		if (!write_blocks(x, &s))
			return false;
	}
}

static void
notified(void *arg, const char *method, json_t *params)
{
	struct extcap *x = arg;

	(void)method;
	(void)params;
	x->is_changed = true;
}

static json_t *
capture_params(const struct extcap *x)
{
	/* Without a vnet it could be that of another, once this is gone. */
	bool has_vnet = strchr(x->interface, '/') != NULL;
	json_t *params = json_pack("{s:s++,s:b}", "if", has_vnet ? "" : "vnet0",
	    has_vnet ? "" : "/", x->interface, "both",
	    strcmp(x->side, "both") == 0);

	if (strcmp(x->side, "in") == 0 || strcmp(x->side, "out") == 0)
		(void)json_object_set_new(params, "side", json_string(x->side));
	if (x->filter != NULL && *x->filter != '\0')
		(void)json_object_set_new(
		    params, "filter", json_string(x->filter));
	return params;
}

/* A call whose result is nothing, or a descriptor. */
static int
ask(struct ctl_client *c, const char *method, json_t *params, int *fd,
    struct epair_err *err)
{
	json_t *result = NULL;
	int error = ctl_client_call(
	    c, method, params, NULL, 0, &result, fd, err);

	json_decref(result);
	return error;
}

/*
 * Begin to capture, having waited until the interface is there. Returns the
 * descriptor to read; -EAGAIN if the daemon is gone; -EPIPE if nobody reads;
 * another negated errno if it was refused.
 */
static int
begin(struct extcap *x, struct ctl_client *c, struct epair_err *err)
{
	int error, fd = -1;

	c->notified = notified;
	c->arg = x;
	/* First: what comes to be from now on is told. */
	error = ask(c, "monitor", NULL, NULL, err);
	while (error == 0) {
		x->is_changed = false;
		error = ask(c, "capture", capture_params(x), &fd, err);
		if (error != -ENXIO && error != -ENOENT)
			break;
		error = 0;
		while (error == 0 && !x->is_changed) {
			if (!is_read(x, c->sock, -1))
				return -EPIPE;
			error = ctl_client_listen(c, -1, err);
		}
	}
	if (error == -EPIPE || error == -ECONNRESET)
		return -EAGAIN;
	return error != 0 ? error : fd;
}

static int
capture(struct extcap *x)
{
	struct epair_err err = { 0 };
	struct ctl_client c;
	int fd;

	x->fifo = open(x->fifo_path, O_WRONLY | O_CLOEXEC);
	if (x->fifo < 0) {
		(void)fprintf(
		    stderr, "%s: %s\n", x->fifo_path, strerror(errno));
		return 1;
	}
	for (;;) {
		fd = -EAGAIN;
		if (open_client(x, &c, &err) == 0) {
			fd = begin(x, &c, &err);
			ctl_client_close(&c);
		}
		if (fd == -EPIPE)
			return 0;
		if (fd < 0 && fd != -EAGAIN) {
			(void)fprintf(stderr, "%s: %s\n", x->interface,
			    err.text[0] != '\0' ? err.text : strerror(-fd));
			return 1;
		}
		if (fd >= 0 && !copy(x, fd))
			return 0;
		if (fd >= 0)
			(void)close(fd);
		else if (!is_read(x, -1, RETRY_MS))
			return 0;
	}
}

/* Wireshark shows what is printed beside the filter. */
static int
check_filter(const char *filter)
{
	struct epair_err err = { 0 };

	if (epair_filter_check(filter, &err) != 0)
		(void)printf("%s\n", err.text);
	return 0;
}

static void
take(struct extcap *x, int letter)
{
	switch (letter) {
	case 'l':
		x->list = true;
		break;
	case 'd':
		x->dlts = true;
		break;
	case 'c':
		x->config = true;
		break;
	case 'C':
		x->capture = true;
		break;
	case 'n':
		x->interface = strncmp(optarg, PREFIX, strlen(PREFIX)) == 0
				   ? optarg + strlen(PREFIX)
				   : optarg;
		break;
	case 'f':
		x->filter = optarg;
		break;
	case 'F':
		x->fifo_path = optarg;
		break;
	case 's':
		x->side = optarg;
		break;
	case 'S':
		x->socket = *optarg != '\0' ? optarg : NULL;
		break;
	default:
		break;
	}
}

int
main(int argc, char **argv)
{
	struct extcap x = { .side = "both", .fifo = -1 };
	int letter;

	(void)signal(SIGPIPE, SIG_IGN);
	x.socket = getenv("EPAIRD_SOCKET");
	while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (letter == '?')
			return 2;
		take(&x, letter);
	}
	if (x.list)
		return list(&x);
	if (x.interface != NULL && x.dlts)
		return printf("dlt {number=1}{name=EN10MB}"
			      "{display=Ethernet}\n") < 0;
	if (x.interface != NULL && x.config)
		return config();
	if (x.interface != NULL && x.capture && x.fifo_path != NULL)
		return capture(&x);
	if (x.filter != NULL && !x.capture)
		return check_filter(x.filter);
	(void)fprintf(
	    stderr, "%s is run by Wireshark, see epair-extcap(8)\n", argv[0]);
	return 2;
}
