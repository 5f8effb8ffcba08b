/* SPDX-License-Identifier: BSD-2-Clause */
/* bench/guests.h - machines, and what joins them with each other and with us. */
#ifndef EP_BENCH_GUESTS_H
#define EP_BENCH_GUESTS_H

void bench_close_guests(void);

#endif /* EP_BENCH_GUESTS_H */
