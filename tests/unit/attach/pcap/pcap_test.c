/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach/pcap/reader.h"
#include "capfile.h"
#include "unit/api/rig.h"

#define MS UINT64_C(1000000)

static struct capfile f;

/* A file that goes with the process, and its path. */
struct file {
	int fd;
	char path[32];
};

static struct file
file(void)
{
	struct file file = { .fd = memfd_create("capture", MFD_CLOEXEC) };

	assert_true(file.fd >= 0);
	(void)snprintf(
	    file.path, sizeof(file.path), "/proc/self/fd/%d", file.fd);
	return file;
}

/* One that holds what f does. */
static struct file
file_of_f(void)
{
	struct file of = file();

	assert_int_equal(write(of.fd, f.octets, f.len), (ssize_t)f.len);
	return of;
}

/* n packets of len octets, the i-th all i, a millisecond apart. */
static struct file
file_of(unsigned n, uint32_t len)
{
	capfile_init(&f, false);
	pcap_header(&f, 0xa1b2c3d4, 1);
	for (unsigned i = 0; i < n; i++)
		pcap_packet(
		    &f, 1000 + i / 1000, i % 1000 * 1000, len, len, (uint8_t)i);
	return file_of_f();
}

static int
attach_error(struct epair_if *ifp, const char *front, const char *path,
    struct epair_err *err)
{
	char spec[256];

	(void)snprintf(spec, sizeof(spec), "%s%s", front, path);
	return epair_attach(ifp, spec, err);
}

static void
attach(struct epair_if *ifp, const char *front, const char *path)
{
	struct epair_err err = { .text = "" };

	if (attach_error(ifp, front, path, &err) != 0)
		fail_msg("%s%s: %s", front, path, err.text);
}

static struct epair_progress
progress(struct epair_if *ifp)
{
	struct epair_progress p = { .size = sizeof(p) };

	assert_int_equal(epair_attach_progress(ifp, &p), 0);
	return p;
}

/* Nothing is attached to a; what arrives at b is kept. */
static int
set_up(void **state)
{
	struct rig *r;

	if (rig_setup(state) != 0)
		return -1;
	r = *state;
	return epair_detach(r->a, NULL);
}

static void
recorded_pace_keeps_the_times_of_the_file(void **state)
{
	struct rig *r = *state;
	struct file in = file_of(10, 60);

	attach(r->a, "pcap:read=", in.path);
	run(r);
	assert_int_equal(r->at_b.count, 1);
	assert_int_equal(epair_advance(r->ep, MS - 1), 0);
	assert_int_equal(r->at_b.count, 1);
	assert_int_equal(epair_advance(r->ep, 1), 0);
	assert_int_equal(r->at_b.count, 2);
	assert_int_equal(progress(r->a).done, 0);
	assert_int_equal(epair_advance(r->ep, 8 * MS), 0);
	assert_int_equal(r->at_b.count, 10);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(r->at_b.ms[i]->pktlen, 60);
		assert_int_equal(r->at_b.ms[i]->data[59], i);
	}
	assert_int_equal(progress(r->a).done, 1);
	assert_int_equal(progress(r->a).sent, 10);
	assert_int_equal(epair_next_timer(r->ep), UINT64_MAX);
	close(in.fd);
}

static void
full_pace_loses_nothing(void **state)
{
	struct rig *r = *state;
	struct file in = file_of(5000, 1000);

	assert_int_equal(epair_if_set_queue_limit(r->b, 10, NULL), 0);
	attach(r->a, "pcap:pace=full,read=", in.path);
	assert_int_equal(epair_advance(r->ep, MS), 0);
	assert_int_equal(r->at_b.count, 5000);
	assert_int_equal(progress(r->a).done, 1);
	close(in.fd);
}

static void
rate_is_kept(void **state)
{
	struct rig *r = *state;
	struct file in = file_of(100, 60);

	attach(r->a, "pcap:pace=10k,read=", in.path);
	assert_int_equal(epair_advance(r->ep, 5 * MS), 0);
	assert_int_equal(r->at_b.count, 51);
	close(in.fd);
}

static void
count_ends_the_replay(void **state)
{
	struct rig *r = *state;
	struct file in = file_of(100, 60);

	attach(r->a, "pcap:pace=full,count=70,read=", in.path);
	assert_int_equal(epair_advance(r->ep, MS), 0);
	assert_int_equal(r->at_b.count, 70);
	assert_int_equal(progress(r->a).done, 1);
	close(in.fd);
}

static void
loop_plays_the_file_again(void **state)
{
	struct rig *r = *state;
	struct file in = file_of(3, 60);

	attach(r->a, "pcap:loop=3,read=", in.path);
	/* Two gaps in each pass, none between passes. */
	assert_int_equal(epair_advance(r->ep, 6 * MS - 1), 0);
	assert_int_equal(r->at_b.count, 8);
	assert_int_equal(epair_advance(r->ep, 1), 0);
	assert_int_equal(r->at_b.count, 9);
	assert_int_equal(r->at_b.ms[8]->data[59], 2);
	assert_int_equal(progress(r->a).done, 1);
	close(in.fd);
}

static void
endless_loop_goes_on_until_it_is_detached(void **state)
{
	struct rig *r = *state;
	struct file in = file_of(2, 60);

	attach(r->a, "pcap:loop=0,pace=1ms,read=", in.path);
	assert_int_equal(epair_advance(r->ep, 1000 * MS), 0);
	assert_int_equal(r->at_b.count, 1001);
	assert_int_equal(progress(r->a).done, 0);
	assert_int_equal(epair_detach(r->a, NULL), 0);
	assert_int_equal(epair_next_timer(r->ep), UINT64_MAX);
	close(in.fd);
}

static void
endless_loop_of_an_empty_capture_ends(void **state)
{
	struct rig *r = *state;
	struct file in = file_of(0, 0);

	attach(r->a, "pcap:loop=0,read=", in.path);
	run(r);
	assert_int_equal(progress(r->a).done, 1);
	close(in.fd);
}

/* A packet block of 60 octets with flags and a comment. */
static void
packet_with(uint8_t fill, uint32_t flags, const char *comment)
{
	uint8_t octets[60];
	size_t begun = block_begin(&f, 6);

	memset(octets, fill, sizeof(octets));
	put32(&f, 0);
	put64(&f, 0);
	put32(&f, 60);
	put32(&f, 60);
	put_octets(&f, octets, 60);
	put16(&f, 2);
	put16(&f, 4);
	put32(&f, flags);
	option(&f, 1, comment, (uint16_t)strlen(comment));
	block_end(&f, begun);
}

static void
one_direction_can_be_replayed_and_drops_are_no_frames(void **state)
{
	struct rig *r = *state;
	struct file in;

	capfile_init(&f, true);
	section_header(&f);
	interface_block(&f, 1);
	packet_with(1, 1, "");
	packet_with(2, 2, "");
	packet_with(2, 2, "dropped (queue-full): the queue was full");
	packet_with(3, 1, "");
	in = file_of_f();

	attach(r->a, "pcap:dir=out,read=", in.path);
	run(r);
	assert_int_equal(r->at_b.count, 1);
	assert_int_equal(r->at_b.ms[0]->data[0], 2);
	assert_int_equal(epair_detach(r->a, NULL), 0);
	forget(&r->at_b);

	attach(r->a, "pcap:read=", in.path);
	run(r);
	assert_int_equal(r->at_b.count, 3);
	close(in.fd);
}

static void
replay_waits_for_both_ends_to_be_up(void **state)
{
	struct rig *r = *state;
	struct file in = file_of(3, 60);

	assert_int_equal(epair_if_down(r->a), 0);
	assert_int_equal(epair_if_down(r->b), 0);
	attach(r->a, "pcap:read=", in.path);
	assert_int_equal(epair_advance(r->ep, 10 * MS), 0);
	assert_int_equal(epair_if_up(r->a), 0);
	assert_int_equal(epair_advance(r->ep, 10 * MS), 0);
	assert_int_equal(progress(r->a).sent, 0);
	assert_int_equal(epair_if_up(r->b), 0);
	assert_int_equal(epair_advance(r->ep, 10 * MS), 0);
	assert_int_equal(r->at_b.count, 3);
	assert_int_equal(stats(r->a).oerrors, 0);
	close(in.fd);
}

static void
replay_pauses_while_the_interface_is_not_up(void **state)
{
	struct rig *r = *state;
	struct file in = file_of(1000, 60);

	attach(r->a, "pcap:read=", in.path);
	assert_int_equal(epair_advance(r->ep, 10 * MS), 0);
	assert_int_equal(r->at_b.count, 11);
	assert_int_equal(epair_if_down(r->a), 0);
	assert_int_equal(epair_advance(r->ep, 500 * MS), 0);
	assert_int_equal(r->at_b.count, 11);
	assert_int_equal(epair_if_up(r->a), 0);
	/* Goes on from here, and makes up for nothing. */
	assert_int_equal(epair_advance(r->ep, 10 * MS), 0);
	assert_int_equal(r->at_b.count, 22);
	assert_int_equal(stats(r->a).oerrors, 0);
	close(in.fd);
}

static void
what_is_no_frame_is_counted(void **state)
{
	struct rig *r = *state;
	struct epair_if_stats s;
	struct file in;

	capfile_init(&f, false);
	section_header(&f);
	interface_block(&f, 1);
	interface_block(&f, 113);
	packet_block(&f, 0, 0, 13, 60, 1); /* no header */
	packet_block(&f, 1, 0, 60, 60, 2); /* not Ethernet */
	packet_block(&f, 0, 0, 65554, 65554, 3); /* longer than any MTU */
	packet_block(&f, 0, 0, 1519, 1519, 4); /* longer than this one */
	packet_block(&f, 0, 0, 14, 60, 5); /* cut off by the capture */
	in = file_of_f();

	attach(r->a, "pcap:read=", in.path);
	run(r);
	assert_int_equal(r->at_b.count, 1);
	assert_int_equal(r->at_b.ms[0]->pktlen, 14);
	s = stats(r->a);
	assert_int_equal(s.drops[EPAIR_DROP_TX_BAD], 3);
	assert_int_equal(s.drops[EPAIR_DROP_TOO_LONG], 1);
	assert_int_equal(progress(r->a).done, 1);
	close(in.fd);
}

static void
largest_frame_is_replayed(void **state)
{
	struct rig *r = *state;
	struct file in = file_of(2, 65553);

	assert_int_equal(epair_if_set_mtu(r->a, 65535, NULL), 0);
	attach(r->a, "pcap:pace=full,read=", in.path);
	run(r);
	assert_int_equal(r->at_b.count, 2);
	assert_int_equal(r->at_b.ms[1]->pktlen, 65553);
	close(in.fd);
}

/* The detail of the next ATTACHMENT event. */
static void
assert_event(struct epair_sub *sub, const char *text)
{
	struct epair_event ev;

	do
		assert_int_equal(epair_event_next(sub, &ev), 1);
	while (ev.type != EPAIR_EVENT_ATTACHMENT);
	if (strstr(ev.detail, text) == NULL)
		fail_msg("'%s' is not in '%s'", text, ev.detail);
}

static void
malformed_file_ends_the_replay_where_it_is(void **state)
{
	struct rig *r = *state;
	struct epair_sub *sub;
	struct file in;

	capfile_init(&f, false);
	pcap_header(&f, 0xa1b2c3d4, 1);
	pcap_packet(&f, 0, 0, 60, 60, 1);
	pcap_packet(&f, 0, 0, 60, 60, 2);
	put_octets(&f, "this is not the header of a packet", 34);
	in = file_of_f();

	assert_int_equal(epair_subscribe(r->ep, 0, &sub, NULL), 0);
	attach(r->a, "pcap:loop=0,read=", in.path);
	run(r);
	assert_int_equal(r->at_b.count, 2);
	assert_int_equal(progress(r->a).done, 1);
	assert_event(sub, "at octet 176: a packet too long");
	epair_unsubscribe(sub);
	close(in.fd);
}

static void
torn_file_is_replayed_up_to_the_tear(void **state)
{
	struct rig *r = *state;
	struct epair_sub *sub;
	struct file in = file_of(3, 60);

	assert_int_equal(ftruncate(in.fd, (off_t)f.len - 1), 0);
	assert_int_equal(epair_subscribe(r->ep, 0, &sub, NULL), 0);
	attach(r->a, "pcap:pace=full,read=", in.path);
	run(r);
	assert_int_equal(r->at_b.count, 2);
	assert_int_equal(progress(r->a).done, 1);
	assert_event(sub, "in the middle of a block");
	epair_unsubscribe(sub);
	close(in.fd);
}

static void
assert_refused(struct epair_if *ifp, int error, const char *front,
    const char *path, const char *text)
{
	struct epair_err err = { .text = "" };

	assert_int_equal(attach_error(ifp, front, path, &err), error);
	assert_int_equal(err.code, error);
	if (strstr(err.text, text) == NULL)
		fail_msg("'%s' is not in '%s'", text, err.text);
}

static void
files_that_cannot_be_are_refused(void **state)
{
	struct rig *r = *state;
	char dir[] = "/tmp/pcap-test-XXXXXX", fifo[64], none[64];
	struct file in;

	assert_non_null(mkdtemp(dir));
	(void)snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	(void)snprintf(none, sizeof(none), "%s/none", dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);

	assert_refused(r->a, -ENOENT, "pcap:read=", none, none);
	assert_refused(r->a, -ENOENT, "pcap:write=/nowhere", dir, dir);
	assert_refused(r->a, -EINVAL, "pcap:read=", dir, "no regular file");
	assert_refused(r->a, -EINVAL, "pcap:read=", fifo, "no regular file");
	assert_refused(r->a, -EISDIR, "pcap:write=", dir, dir);
	assert_refused(r->a, -ENXIO, "pcap:write=", fifo, fifo);
	assert_refused(
	    r->a, -EINVAL, "pcap:write=", "/dev/null", "no regular file");

	capfile_init(&f, false);
	put_octets(&f, "neither", 7);
	in = file_of_f();
	assert_refused(r->a, -EINVAL, "pcap:read=", in.path, "at octet 0");
	close(in.fd);
	in = file();
	assert_refused(r->a, -EINVAL, "pcap:read=", in.path, "at octet 0");
	close(in.fd);

	assert_int_equal(unlink(fifo), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void
file_that_is_read_is_not_written(void **state)
{
	struct rig *r = *state;
	struct file in = file_of(1, 60);
	char spec[100];

	(void)snprintf(spec, sizeof(spec), "pcap:read=%s,write=", in.path);
	assert_refused(r->a, -EINVAL, spec, in.path, "the file that is read");
	attach(r->a, "pcap:read=", in.path);
	run(r);
	assert_int_equal(r->at_b.count, 1);
	close(in.fd);
}

static void
keys_that_make_no_sense_are_refused(void **state)
{
	struct rig *r = *state;

	assert_refused(r->a, -EINVAL, "pcap", "", "read=FILE");
	assert_refused(r->a, -EINVAL, "pcap:pace=", "full", "read=FILE");
	assert_refused(
	    r->a, -EINVAL, "pcap:write=/tmp/x,loop=", "2", "read=FILE");
	assert_refused(r->a, -EINVAL, "pcap:read=x,pace=", "quick", "pace");
	assert_refused(r->a, -EINVAL, "pcap:read=x,dir=", "up", "dir");
	assert_refused(r->a, -EINVAL, "pcap:reed=", "x", "read");
}

/* Read a file that was written; the packets' lengths add up to *total. */
static unsigned
packets_of(int fd, uint64_t *total, uint64_t *last_ns)
{
	static struct ep_reader reader;
	struct ep_reader_packet packet;
	struct stat st;
	unsigned count = 0;
	size_t at = 0, used;

	assert_int_equal(fstat(fd, &st), 0);
	assert_in_range(st.st_size, 1, CAPFILE_MAX);
	f.len = (size_t)st.st_size;
	assert_int_equal(pread(fd, f.octets, f.len, 0), st.st_size);
	memset(&reader, 0, sizeof(reader));
	*total = 0;
	while (ep_reader_next(&reader, f.octets + at, f.len - at, &used,
		   &packet, NULL) == 1) {
		assert_int_equal(packet.dir, EP_READER_IN);
		at += used;
		count++;
		*total += packet.len;
		*last_ns = packet.time_ns;
	}
	at += used;
	assert_int_equal(ep_reader_end(&reader, f.len - at, NULL), 0);
	return count;
}

static void
what_is_received_is_recorded(void **state)
{
	struct rig *r = *state;
	struct file out = file();
	uint64_t total, last_ns;

	attach(r->a, "pcap:write=", out.path);
	assert_int_equal(progress(r->a).done, 1);
	send_many(r->b, 10, 60);
	assert_int_equal(epair_advance(r->ep, 777), 0);
	assert_int_equal(send_one(r->b, 1500), 0);
	run(r);
	/* Complete at any time. */
	assert_int_equal(packets_of(out.fd, &total, &last_ns), 11);
	assert_int_equal(total, 2100);
	assert_int_equal(last_ns, 777);
	assert_int_equal(epair_detach(r->a, NULL), 0);
	assert_int_equal(packets_of(out.fd, &total, &last_ns), 11);
	assert_non_null(memmem(f.octets, f.len, "epair0a", 7));
	assert_null(memmem(f.octets, f.len, "Linux", 5));
	close(out.fd);
}

static void
burst_larger_than_the_buffer_is_recorded(void **state)
{
	struct rig *r = *state;
	struct file out = file();
	uint64_t total, last_ns;

	assert_int_equal(epair_if_set_mtu(r->b, 65535, NULL), 0);
	attach(r->a, "pcap:write=", out.path);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(send_one(r->b, 65000), 0);
	run(r);
	assert_int_equal(packets_of(out.fd, &total, &last_ns), 20);
	assert_int_equal(total, 20 * 65000);
	close(out.fd);
}

static void
recording_is_replayed_as_it_was(void **state)
{
	struct rig *r = *state;
	struct file out = file();

	attach(r->a, "pcap:write=", out.path);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(send_one(r->b, 60 + i), 0);
		assert_int_equal(epair_advance(r->ep, 3 * MS), 0);
	}
	assert_int_equal(epair_detach(r->a, NULL), 0);

	attach(r->a, "pcap:read=", out.path);
	assert_int_equal(epair_advance(r->ep, 12 * MS - 1), 0);
	assert_int_equal(r->at_b.count, 4);
	assert_int_equal(epair_advance(r->ep, 1), 0);
	assert_int_equal(r->at_b.count, 5);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(r->at_b.ms[i]->pktlen, 60 + i);
	close(out.fd);
}

static void
both_can_be_done_at_once(void **state)
{
	struct rig *r = *state;
	struct file in = file_of(3, 60), out = file();
	char spec[100];
	uint64_t total, last_ns;

	(void)snprintf(spec, sizeof(spec), "pcap:read=%s,write=", in.path);
	attach(r->a, spec, out.path);
	assert_int_equal(send_one(r->b, 60), 0);
	assert_int_equal(epair_advance(r->ep, 2 * MS), 0);
	assert_int_equal(r->at_b.count, 3);
	assert_int_equal(packets_of(out.fd, &total, &last_ns), 1);
	close(in.fd);
	close(out.fd);
}

static void
frames_are_swallowed_without_a_file_to_write(void **state)
{
	struct rig *r = *state;
	struct file in = file_of(1, 60);

	attach(r->a, "pcap:read=", in.path);
	send_many(r->b, 3, 60);
	run(r);
	assert_int_equal(stats(r->a).delivered, 3);
	close(in.fd);
}

static void
full_disk_drops_with_a_reason_and_leaves_the_file_whole(void **state)
{
	struct rlimit before, little = { .rlim_cur = 5000 };
	struct rig *r = *state;
	struct file out = file();
	struct epair_sub *sub;
	uint64_t total, last_ns, drops;

	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	little.rlim_max = before.rlim_max;
	assert_int_equal(epair_subscribe(r->ep, 0, &sub, NULL), 0);
	attach(r->a, "pcap:write=", out.path);
	send_many(r->b, 2, 1000);
	run(r);

	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	send_many(r->b, 10, 1000);
	run(r);
	drops = stats(r->a).drops[EPAIR_DROP_RX_STACK_ERROR];
	assert_int_equal(drops, 10);
	assert_event(sub, "EFBIG");
	assert_int_equal(packets_of(out.fd, &total, &last_ns), 2);

	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	send_many(r->b, 1, 1000);
	run(r);
	assert_int_equal(packets_of(out.fd, &total, &last_ns), 3);
	epair_unsubscribe(sub);
	close(out.fd);
}

static void
destroy_in_the_middle_of_a_replay_ends_it(void **state)
{
	struct rig *r = *state;
	struct file in = file_of(1000, 60);

	attach(r->a, "pcap:read=", in.path);
	assert_int_equal(epair_advance(r->ep, 10 * MS), 0);
	assert_int_equal(epair_if_destroy(r->b, NULL), 0);
	assert_int_equal(epair_next_timer(r->ep), UINT64_MAX);
	close(in.fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(recorded_pace_keeps_the_times_of_the_file),
		TEST(full_pace_loses_nothing),
		TEST(rate_is_kept),
		TEST(count_ends_the_replay),
		TEST(loop_plays_the_file_again),
		TEST(endless_loop_goes_on_until_it_is_detached),
		TEST(endless_loop_of_an_empty_capture_ends),
		TEST(one_direction_can_be_replayed_and_drops_are_no_frames),
		TEST(replay_waits_for_both_ends_to_be_up),
		TEST(replay_pauses_while_the_interface_is_not_up),
		TEST(what_is_no_frame_is_counted),
		TEST(largest_frame_is_replayed),
		TEST(malformed_file_ends_the_replay_where_it_is),
		TEST(torn_file_is_replayed_up_to_the_tear),
		TEST(files_that_cannot_be_are_refused),
		TEST(file_that_is_read_is_not_written),
		TEST(keys_that_make_no_sense_are_refused),
		TEST(what_is_received_is_recorded),
		TEST(burst_larger_than_the_buffer_is_recorded),
		TEST(recording_is_replayed_as_it_was),
		TEST(both_can_be_done_at_once),
		TEST(frames_are_swallowed_without_a_file_to_write),
		TEST(full_disk_drops_with_a_reason_and_leaves_the_file_whole),
		TEST(destroy_in_the_middle_of_a_replay_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
