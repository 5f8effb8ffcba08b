/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * takeover.pml - one daemon takes over from another (src/ctl/takeover.h), and
 * either may be killed, or stop for ever, at any time.
 *
 *	X1  at most one of them writes the journal, and what the new one has
 *	    read of it when it begins is all of it
 *	X2  a new one that ends before `go` has changed nothing: the old one, if
 *	    it is alive, makes changes again
 *	X3  what two cannot hold is held by one: the new one serves when the old
 *	    one has ended, and not if that goes on
 *	X4  if one of them is alive in the end, it makes changes, unless the old
 *	    one has ended and the new one stopped
 *
 * A change has a beginning and an end, between which it writes. A socket closes
 * when its process ends; what was sent before is read first. The old one loses
 * patience at any time at which it has heard nothing.
 *
 * The mutants: the old one answers while it is making a change; the new one
 * does not wait until the old one has ended; the old one does not go on when the
 * new one ends; it does not say that it has lost patience.
 *
 * Holds, in 9467 states.
 */
#define CHANGES 3

#ifdef MUTANT_ANSWERS_EARLY
#define IS_DONE true
#else
#define IS_DONE !old_making
#endif

mtype = { TAKE, HELD, GO, STAY };

chan to_old = [2] of { mtype };
chan to_new = [2] of { mtype };
bool old_alive = true, new_alive = true;
bool old_held = false, old_making = false, old_answered = false;
bool old_hung_up = false, new_stopped = false;
byte version = 0;
bool new_serves = false, new_making = false;

active proctype old()
{
	bool mortal = false;

	if
	:: mortal = true
	:: skip
	fi;
	do
	:: !old_held && !old_making && version < CHANGES ->
		old_making = true /* a change begins */
	:: old_making -> /* and ends */
		atomic { old_making = false; version++ }
	:: to_old ? TAKE -> old_held = true
	:: atomic { old_held && !old_answered && new_alive && IS_DONE ->
			old_answered = true;
			to_new ! HELD
		}
	:: !old_hung_up && to_old ? [GO] -> to_old ? GO; break
	:: atomic { old_answered && !old_hung_up && empty(to_old) ->
#ifndef MUTANT_SAYS_NOTHING
			to_new ! STAY;
#endif
			old_hung_up = true;
			old_held = false
		}
	:: atomic { !new_alive && empty(to_old) && old_held ->
#ifdef MUTANT_STAYS_HELD
			false
#else
			old_held = false
#endif
		}
	:: mortal -> break /* killed */
	:: (!new_alive || old_hung_up) && !old_held && !old_making ->
		goto settled
	od;
	atomic { old_making = false; old_alive = false; old_hung_up = true }
settled:
	skip
}

active proctype new()
{
	byte seen;

	to_old ! TAKE;
	if
	:: to_new ? HELD -> seen = version
	:: atomic { !old_alive && empty(to_new) -> seen = version }
		goto serve
	:: goto killed
	:: goto stopped
	fi;
	/* The world is made, what can be shared is attached. */
	if
	:: to_old ! GO
	:: goto killed
	:: goto stopped
	fi;
#ifndef MUTANT_DOES_NOT_WAIT
	if
	:: old_hung_up && empty(to_new)
	:: to_new ? STAY -> goto killed /* it has failed */
	:: goto killed
	fi;
#endif
serve:
	assert(seen == version);
	new_serves = true;
	do
	:: new_making = true; new_making = false
	:: break
	:: goto killed
	od;
	goto settled;
stopped:
	new_stopped = true;
	goto settled;
killed:
	atomic { new_making = false; new_alive = false }
settled:
	skip
}

/* At any moment. */
active proctype judge()
{
	atomic {
		assert(!(old_making && old_alive && new_making && new_alive));
		assert(!(new_serves && new_alive && old_alive))
	}
}

/* When nothing moves any more. */
active proctype last()
{
	timeout;
	assert(!(old_alive && (!new_alive || new_stopped)) || !old_held);
	assert(!(new_alive && !old_alive) || new_serves || new_stopped);
	assert(!(old_alive && new_alive) || new_stopped)
}
