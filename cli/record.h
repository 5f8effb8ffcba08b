/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/record.h - a capture of both ends into a pcapng file or pipe.
 *
 * A thread of its own writes, so that a reader who stalls stalls nothing else:
 * the cable goes on and captures are lost and counted.
 *
 *	state    meaning                              left by
 *	closed   no descriptor                        record_open, record_make
 *	open     the file is there, not yet touched   record_start, record_undo
 *	started  frames are kept in the capture's ring record_write, record_stop
 *	running  the thread writes                    record_stop
 *	pumped   in simulated time: record_pump()     record_stop
 *	         writes, and nothing is lost
 *	failed   a write failed; failed_fd is readable record_stop
 *
 * A file that was there before is emptied by record_write(), not earlier: a
 * run that comes to nothing leaves it as it was. One that record_make() made
 * is removed by record_undo().
 */
#ifndef CLI_RECORD_H
#define CLI_RECORD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <epair/epair.h>

struct cli;

struct record {
	const char *path;
	int fd;
	bool is_open, is_running;
	bool is_pumped; /* instead of running: record_pump() writes */
	bool is_ours; /* the file is, and not only its content */
	bool
	    is_stuck; /* the reader would not read: the thread is still there */
	struct epair_capture *cap;
	pthread_t thread;
	int stop_fd, failed_fd;
	int error; /* of the write; the thread's until it has been joined */
	struct epair_capture_stats stats; /* since record_stop */
};

/*
 * Open a file for writing, in two steps around watch_signals(): what is there
 * is opened by the first ("-" is standard output), which may wait for the
 * reader of a FIFO and then must die of a signal; what is not there is made
 * by the second, after which a signal must not kill us. Both return a
 * cli_status, having complained.
 */
int record_open(const struct cli *cli, struct record *rec, const char *path);
int record_make(const struct cli *cli, struct record *rec);

/* The same for an open descriptor of a file at path that we have made. */
void record_open_fd(struct record *rec, const char *path, int fd);

/* Begin to capture both ends. Returns a cli_status, having complained. */
int record_start(const struct cli *cli, struct record *rec,
    struct epair_if *ifp, const char *filter);

/*
 * Begin to write: by a thread, or, if is_pumped, whenever record_pump() is
 * called. Returns a cli_status, having complained.
 */
int record_write(const struct cli *cli, struct record *rec, bool is_pumped);

/*
 * Write if much waits. To be called often enough that the ring does not fill.
 * Does nothing unless pumped.
 */
void record_pump(struct record *rec);

/*
 * Write what waits and end. Returns a cli_status: CLI_FAILED, having
 * complained, if a write had failed or the reader does not read. Does nothing
 * unless started.
 */
int record_stop(const struct cli *cli, struct record *rec);

/* Close the file, and remove it if it is ours. Does nothing when closed. */
void record_undo(struct record *rec);

/* Close the file and keep it. Does nothing when closed. */
void record_close(struct record *rec);

#endif /* CLI_RECORD_H */
