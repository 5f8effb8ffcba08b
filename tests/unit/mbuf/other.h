/* SPDX-License-Identifier: BSD-2-Clause */
/* other.h - another thread, which does what it is told while this one waits. */
#ifndef OTHER_H
#define OTHER_H

#include <pthread.h>
#include <semaphore.h>

struct other {
	pthread_t thread;
	sem_t go, done;
	void (*fn)(void *arg); /* NULL: end */
	void *arg;
};

void other_start(struct other *o);
void other_does(struct other *o, void (*fn)(void *arg), void *arg);
void other_stop(struct other *o);

#endif /* OTHER_H */
