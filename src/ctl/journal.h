/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/journal.h - what a daemon must not forget: texts under keys, on disk.
 *
 * A folder with two files. `lock` is held by the daemon that uses it. `state`
 * is a list of changes, which is only ever appended to:
 *
 *	epair-state 1
 *	CRC set KEY TEXT
 *	CRC del KEY
 *	CRC end COUNT
 *
 * CRC is the CRC-32C, in eight hexadecimal digits, of what stands behind it in
 * its line. The COUNT lines before an `end` are one change, made as a whole or
 * not at all. When most of the file is about what is no longer so, it is
 * written anew and put in the place of the old one.
 *
 *	J1  a change is lasting when commit returns 0, and has not happened when
 *	    it returns an error; where the disk lets nothing be taken back, not
 *	    until it lets the file be written anew, which is tried before the
 *	    next change
 *	J2  what a crash leaves behind the last `end` is cut off when it is read
 *	J3  a line that is damaged, with whole ones behind it, is somebody's
 *	    doing: the file is refused and stays as it is
 *
 * A key is 1 to 63 octets, none of them a space or control character; a text
 * has none of the latter and is at most CTL_JOURNAL_TEXT_MAX octets long. Keys
 * are kept in the order in which they were first set.
 *
 * One thread, no locks.
 */
#ifndef EP_CTL_JOURNAL_H
#define EP_CTL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include <epair/err.h>

#define CTL_JOURNAL_KEY_MAX  64 /* with its NUL */
#define CTL_JOURNAL_TEXT_MAX 65536u

struct ctl_journal;

/*
 * Lock the folder, make it if it is not there, and read it. With lock >= 0, a
 * descriptor of `lock` that a daemon handed over, which is the journal's then.
 * Gives *j.
 * Returns 0; -EBUSY if another daemon uses it; -EINVAL for a file that is none
 * of ours or damaged; errors of the system. With a sentence.
 */
int ctl_journal_open(const char *folder, int lock, struct ctl_journal **j,
    struct epair_err *err);

/* Close it; changes that were not committed are forgotten. NULL is ignored. */
void ctl_journal_close(struct ctl_journal *j);

/* The descriptor that holds the lock, to be handed over; the journal's. */
int ctl_journal_lock(const struct ctl_journal *j);

/* The folder, as descriptor; the journal's. */
int ctl_journal_folder(const struct ctl_journal *j);

/* The text of a key, or NULL; valid until it is set again. */
const char *ctl_journal_get(const struct ctl_journal *j, const char *key);

/*
 * All keys with their texts (JSON strings), for json_object_foreach(). As they
 * were at the last commit.
 */
json_t *ctl_journal_all(const struct ctl_journal *j);

/*
 * Have room on the disk for a change of so many octets, before anything is done
 * that it is about. Returns 0, or why it could not be written down.
 */
int ctl_journal_reserve(
    struct ctl_journal *j, size_t octets, struct epair_err *err);

/*
 * Add to the change that is being made. What cannot be (no memory, a key or
 * text that is none) is said by the commit.
 */
void ctl_journal_set(struct ctl_journal *j, const char *key, const char *text);
void ctl_journal_del(struct ctl_journal *j, const char *key);

/* Write the change down (J1). An empty one is nothing. */
int ctl_journal_commit(struct ctl_journal *j, struct epair_err *err);

/* Forget it. */
void ctl_journal_abandon(struct ctl_journal *j);

/*
 * The octets of a file, read into `all` (an object of strings). *good is how
 * many of them are changes; what is behind them was torn (J2).
 * Returns 0; -EINVAL with a sentence that names the line; -ENOMEM.
 */
int ctl_journal_read(const char *octets, size_t len, json_t *all, size_t *good,
    struct epair_err *err);

#endif /* EP_CTL_JOURNAL_H */
