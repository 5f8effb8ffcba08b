/* SPDX-License-Identifier: BSD-2-Clause */
/* ctl/journal_priv.h - the lines of a journal. */
#ifndef EP_CTL_JOURNAL_PRIV_H
#define EP_CTL_JOURNAL_PRIV_H

#include <stdint.h>

#include "ctl/journal.h"

#define CTL_JOURNAL_HEAD "epair-state 1\n"

/* "CRC set KEY TEXT\n" has this much around key and text. */
#define CTL_JOURNAL_LINE_EXTRA 16u

uint32_t ctl_journal_crc(const char *octets, size_t len);

bool ctl_journal_is_key(const char *key, size_t len);
bool ctl_journal_is_text(const char *text, size_t len);

#endif /* EP_CTL_JOURNAL_PRIV_H */
