/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `epair capture`: the frames of an interface, into files or shown as they
 * come.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <epair/err.h>

#include "cli/ask.h"
#include "cli/capture.h"
#include "cli/cli.h"
#include "cli/out.h"
#include "cli/watch.h"

struct capture_opts {
	bool json, both;
	const char *file, *side;
	uint64_t snaplen, count, megabytes, age_ns, files;
};

static const struct opt capture_opts[] = {
	{ .name = "write",
	    .letter = 'w',
	    .arg = "FILE",
	    .sentence = "write pcapng; - is standard output",
	    .parse = opt_text,
	    .allowed = "a file, or -",
	    .offset = offsetof(struct capture_opts, file) },
	{ .name = "both",
	    .letter = 'b',
	    .sentence = "the other end too",
	    .parse = opt_flag,
	    .offset = offsetof(struct capture_opts, both) },
	{ .name = "side",
	    .letter = 'Q',
	    .arg = "in|out",
	    .sentence = "only what it receives, or sends",
	    .parse = opt_text,
	    .allowed = "in or out",
	    .offset = offsetof(struct capture_opts, side) },
	{ .name = "snaplen",
	    .letter = 's',
	    .arg = "N",
	    .sentence = "octets kept of a frame [262144]",
	    .parse = opt_number,
	    .min = 1,
	    .max = 262144,
	    .offset = offsetof(struct capture_opts, snaplen) },
	{ .name = "count",
	    .letter = 'c',
	    .arg = "N",
	    .sentence = "end after so many frames",
	    .parse = opt_number,
	    .min = 1,
	    .max = UINT64_MAX,
	    .offset = offsetof(struct capture_opts, count) },
	{ .name = "rotate-size",
	    .letter = 'C',
	    .arg = "MB",
	    .sentence = "begin another file after so many megabytes",
	    .parse = opt_number,
	    .min = 1,
	    .max = 1u << 20,
	    .offset = offsetof(struct capture_opts, megabytes) },
	{ .name = "rotate-time",
	    .letter = 'G',
	    .arg = "S",
	    .sentence = "and after so many seconds",
	    .parse = opt_seconds,
	    .min = OPT_NS_PER_S / 10,
	    .max = 31536000 * OPT_NS_PER_S,
	    .offset = offsetof(struct capture_opts, age_ns) },
	{ .name = "files",
	    .letter = 'W',
	    .arg = "N",
	    .sentence = "keep the last N files",
	    .parse = opt_number,
	    .min = 1,
	    .max = UINT32_MAX,
	    .offset = offsetof(struct capture_opts, files) },
	OPT_JSON(struct capture_opts, json),
	{ NULL },
};

/* What the daemon is asked for. */
static json_t *
params_of(const struct capture_opts *o, const char *ifname, const char *filter)
{
	json_t *params = json_pack("{s:s,s:b}", "if", ifname, "both", o->both);

	if (o->side != NULL)
		(void)json_object_set_new(params, "side", json_string(o->side));
	if (o->snaplen != 0)
		(void)json_object_set_new(
		    params, "snaplen", json_integer((json_int_t)o->snaplen));
	if (*filter != '\0')
		(void)json_object_set_new(
		    params, "filter", json_string(filter));
	return params;
}

/* Ask for the socket from which frames are read. */
static int
ask_socket(const struct cli *cli, json_t *params, int *sock)
{
	struct epair_err err = { 0 };
	struct ctl_client c;
	json_t *result;
	int error, status = ask_open(cli, &c);

	if (status != CLI_OK) {
		json_decref(params);
		return status;
	}
	error = ctl_client_call(
	    &c, "capture", params, NULL, 0, &result, sock, &err);
	ctl_client_close(&c);
	if (error != 0) {
		cli_complain(cli, "%s", err.text);
		return error == -EINVAL ? CLI_USAGE : CLI_FAILED;
	}
	json_decref(result);
	return CLI_OK;
}

/* Until the capture ends, a signal comes or enough was seen. */
static int
spool_all(struct spool *s, int sock, int signal_fd)
{
	struct pollfd pfds[] = { { .fd = sock, .events = POLLIN },
		{ .fd = signal_fd, .events = POLLIN } };
	static char buf[1u << 16];
	int status = CLI_OK;

	while (status == CLI_OK && !s->is_over) {
		ssize_t n;

		if (poll(pfds, 2, -1) < 0)
			continue;
		if (pfds[1].revents != 0)
			break;
		n = read(sock, buf, sizeof(buf));
		if (n <= 0)
			break;
		status = spool_put(s, buf, (size_t)n);
	}
	return status;
}

static int
to_files(const struct cli *cli, const struct capture_opts *o, int sock,
    int signal_fd)
{
	struct spool s = {
		.cli = cli,
		.path = o->file,
		.bytes_max = o->megabytes * 1000000,
		.age_ns = o->age_ns,
		.files_max = o->files,
		.packets_max = o->count,
		.fd = -1,
	};
	struct out out;
	int status = spool_open(&s), closed;

	if (status == CLI_OK)
		status = spool_all(&s, sock, signal_fd);
	closed = spool_close(&s);
	out_init(&out, STDERR_FILENO);
	if (out.is_tty)
		out_print(&out, "%llu frame%s\n", (unsigned long long)s.packets,
		    s.packets == 1 ? "" : "s");
	(void)ask_finish(cli, &out);
	return status == CLI_OK ? closed : status;
}

/* tcpdump knows how frames are written down; it ends when the socket does. */
static int
to_tcpdump(const struct cli *cli, const struct capture_opts *o, int sock)
{
	char count[24];
	const char *argv[] = { "tcpdump", "-n", "-l", "-e", "-r", "-", NULL,
		NULL, NULL };

	if (o->count > 0) {
		(void)snprintf(
		    count, sizeof(count), "%llu", (unsigned long long)o->count);
		argv[6] = "-c";
		argv[7] = count;
	}
	(void)dup2(sock, STDIN_FILENO);
	(void)close(sock);
	(void)execvp("tcpdump", (char *const *)(uintptr_t)argv);
	cli_complain(
	    cli, "tcpdump: %s; -w FILE writes pcapng instead", strerror(errno));
	return CLI_FAILED;
}

/* The operands behind the interface, a space between: as tcpdump takes them. */
static char *
filter_of(char **words, int count)
{
	size_t size = 1;
	char *filter;

	for (int i = 0; i < count; i++)
		size += strlen(words[i]) + 1;
	filter = calloc(1, size);
	for (int i = 0; filter != NULL && i < count; i++) {
		strcat(filter, i > 0 ? " " : "");
		strcat(filter, words[i]);
	}
	return filter;
}

static int
check(const struct cli *cli, const struct capture_opts *o)
{
	bool rotates = o->megabytes != 0 || o->age_ns != 0;

	if (rotates && (o->file == NULL || strcmp(o->file, "-") == 0)) {
		cli_complain(cli, "rotation needs a file: -w FILE");
		return CLI_USAGE;
	}
	if (o->files != 0 && !rotates) {
		cli_complain(cli,
		    "--files: nothing is rotated; say --rotate-size or "
		    "--rotate-time");
		return CLI_USAGE;
	}
	return CLI_OK;
}

static int
capture(struct cli *cli, const struct verb *self, int argc, char **argv)
{
	struct capture_opts o = { 0 };
	int first, status, sock = -1, signal_fd = -1;
	char *filter;

	status = ask_begin(cli, self, &o, argc, argv, 1, -1, &first);
	if (status != ASK_GO_ON)
		return status;
	status = check(cli, &o);
	if (status != CLI_OK)
		return status;
	filter = filter_of(argv + first + 1, argc - first - 1);
	if (filter == NULL) {
		cli_complain(cli, "no memory");
		return CLI_FAILED;
	}
	if (o.file != NULL)
		signal_fd = watch_signals();
	status = ask_socket(cli, params_of(&o, argv[first], filter), &sock);
	free(filter);
	if (status == CLI_OK)
		status = o.file != NULL ? to_files(cli, &o, sock, signal_fd)
					: to_tcpdump(cli, &o, sock);
	if (sock >= 0)
		(void)close(sock);
	return status;
}

const struct verb verb_capture = {
	.name = "capture",
	.operands = "IF [FILTER]",
	.sentence = "show the frames of an interface, or write them to files",
	.text = "Shows the frames of IF as they come, by tcpdump, or writes "
		"them as pcapng, until\nit is interrupted, IF is destroyed or "
		"--count frames were seen. FILTER is an\nexpression of "
		"pcap-filter(7).\n",
	.opts = capture_opts,
	.run = capture,
};
