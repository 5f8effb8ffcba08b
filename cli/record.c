/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/record.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

#define RECORD_RING (16u << 20)
/* So many records may wait when it is pumped; a task may add some thousands. */
#define PUMP_RECORDS 256u
/* How long the end of a run waits for whoever reads the pipe. */
#define RECORD_PATIENCE_S 3

void
record_open_fd(struct record *rec, const char *path, int fd)
{
	*rec = (struct record){
		.path = path,
		.fd = fd,
		.is_open = true,
		.is_ours = true,
		.stop_fd = -1,
		.failed_fd = -1,
	};
}

static int
complain(const struct cli *cli, const char *path, int error)
{
	cli_complain(cli, "--capture: %s: %s", path, strerror(error));
	return CLI_FAILED;
}

int
record_open(const struct cli *cli, struct record *rec, const char *path)
{
	bool is_stdout = strcmp(path, "-") == 0;
	int fd;

	if (is_stdout && isatty(STDOUT_FILENO) == 1) {
		cli_complain(cli,
		    "--capture: '-' is a terminal here; allowed: a file, or "
		    "- with standard output to a file or pipe");
		return CLI_USAGE;
	}
	fd = is_stdout ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
		       : open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT)
		return complain(cli, path, errno);
	record_open_fd(rec, path, fd);
	rec->is_ours = false;
	rec->is_open = fd >= 0;
	return CLI_OK;
}

/* Captured frames are other people's data: a new file is ours alone. */
int
record_make(const struct cli *cli, struct record *rec)
{
	if (rec->is_open)
		return CLI_OK;
	rec->fd = open(
	    rec->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (rec->fd < 0)
		return complain(cli, rec->path, errno);
	rec->is_open = rec->is_ours = true;
	return CLI_OK;
}

static void *
record_main(void *arg)
{
	struct record *rec = arg;
	struct pollfd pfd[2] = {
		{ .fd = rec->stop_fd, .events = POLLIN },
		{ .fd = epair_capture_fd(rec->cap), .events = POLLIN },
	};
	int last = 0, n = 0;

	while (!last && n >= 0) {
		if (poll(pfd, 2, -1) < 0)
			continue;
		last = (pfd[0].revents & POLLIN) != 0;
		n = epair_capture_dump(rec->cap, rec->fd, last);
	}
	if (n < 0) {
		rec->error = -n;
		(void)eventfd_write(rec->failed_fd, 1);
	}
	return NULL;
}

static int
start_thread(struct record *rec)
{
	int error;

	rec->stop_fd = eventfd(0, EFD_CLOEXEC);
	rec->failed_fd = eventfd(0, EFD_CLOEXEC);
	if (rec->stop_fd < 0 || rec->failed_fd < 0)
		return errno;
	error = pthread_create(&rec->thread, NULL, record_main, rec);
	rec->is_running = error == 0;
	return error;
}

int
record_start(const struct cli *cli, struct record *rec, struct epair_if *ifp,
    const char *filter)
{
	struct epair_capture_opts opts = {
		.size = sizeof(opts),
		.flags = EPAIR_CAPTURE_BOTH,
		.filter = filter,
		.buffer = RECORD_RING,
	};
	struct epair_err err = { 0 };

	if (epair_capture_open(ifp, &opts, &rec->cap, &err) != 0)
		return cli_fail(cli, "--capture", &err);
	return CLI_OK;
}

int
record_write(const struct cli *cli, struct record *rec, bool is_pumped)
{
	struct stat st;
	int error;

	/* Standard output may be appended to: that is the shell's to say. */
	if (strcmp(rec->path, "-") != 0 && fstat(rec->fd, &st) == 0 &&
	    S_ISREG(st.st_mode) && ftruncate(rec->fd, 0) != 0)
		return complain(cli, rec->path, -errno);
	rec->is_pumped = is_pumped;
	error = is_pumped ? 0 : start_thread(rec);
	return error != 0 ? complain(cli, rec->path, error) : CLI_OK;
}

void
record_pump(struct record *rec)
{
	struct epair_capture_stats stats = { .size = sizeof(stats) };
	int n;

	if (!rec->is_pumped || rec->error != 0)
		return;
	(void)epair_capture_get_stats(rec->cap, &stats);
	if (stats.passed - stats.lost - stats.read < PUMP_RECORDS)
		return;
	n = epair_capture_dump(rec->cap, rec->fd, 0);
	if (n < 0)
		rec->error = -n;
}

/* Write what is left. Returns a cli_status. */
static int
end_pump(const struct cli *cli, struct record *rec)
{
	int n = 0;

	rec->is_pumped = false;
	if (rec->error == 0)
		n = epair_capture_dump(rec->cap, rec->fd, 1);
	if (n < 0)
		rec->error = -n;
	return rec->error != 0 ? complain(cli, rec->path, rec->error) : CLI_OK;
}

/* Have the thread write the rest and end. Returns a cli_status. */
static int
end_thread(const struct cli *cli, struct record *rec)
{
	struct timespec until;

	(void)eventfd_write(rec->stop_fd, 1);
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += RECORD_PATIENCE_S;
	rec->is_running = false;
	if (pthread_timedjoin_np(rec->thread, NULL, &until) != 0) {
		rec->is_stuck = true;
		cli_complain(cli,
		    "--capture: %s: nobody reads; what was not yet written "
		    "is lost",
		    rec->path);
		return CLI_FAILED;
	}
	return rec->error != 0 ? complain(cli, rec->path, rec->error) : CLI_OK;
}

int
record_stop(const struct cli *cli, struct record *rec)
{
	int status = CLI_OK;

	if (rec->is_running)
		status = end_thread(cli, rec);
	if (rec->is_pumped)
		status = end_pump(cli, rec);
	if (rec->cap == NULL || rec->is_stuck)
		return status;
	rec->stats.size = sizeof(rec->stats);
	(void)epair_capture_get_stats(rec->cap, &rec->stats);
	epair_capture_close(rec->cap);
	rec->cap = NULL;
	return status;
}

void
record_close(struct record *rec)
{
	if (!rec->is_open || rec->is_stuck)
		return;
	(void)close(rec->fd);
	if (rec->stop_fd >= 0)
		(void)close(rec->stop_fd);
	if (rec->failed_fd >= 0)
		(void)close(rec->failed_fd);
	rec->is_open = false;
}

void
record_undo(struct record *rec)
{
	if (rec->is_open && rec->is_ours)
		(void)unlink(rec->path);
	record_close(rec);
}
