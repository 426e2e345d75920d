// SPDX-License-Identifier: MIT
// Peer of core's WwMachine: wound/wait mutexes as a state machine, with nobody asleep. Every actor takes `needs` of
// `locks` in random order in a context of its own, backs off when told to, and begins a new transaction when it has had
// them all. Three runs, the median of which counts. Prints one JSON object on one line.
//
// Waiters are kept in intrusive lists by age, as Linux keeps them: nothing is allocated while it runs.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <string>
#include <vector>

#include "arguments.h"
#include "cpu-clock.h"
#include "xorshift.h"

struct Lock;

struct Context {
  uint64_t stamp = 0;
  uint32_t acquired = 0;
  bool wounded = false;
  bool refused = false;
  Lock* waits_for = nullptr;
  Context* next = nullptr;
  Context* previous = nullptr;
};

struct Lock {
  Context* owner = nullptr;
  Context* oldest = nullptr;
  Context* youngest = nullptr;
};

enum class Outcome { acquired, waiting, deadlock };

class WwMutexes {
 public:
  explicit WwMutexes(bool wait_die) : wait_die_(wait_die) {}

  /// A waiter that has to back off because of the last `lock`, or null.
  Context* victim() const { return victim_; }

  Outcome lock(Lock& lock, Context& context) {
    victim_ = nullptr;
    if (lock.owner == nullptr) {
      own(lock, context);
      return Outcome::acquired;
    }
    const bool older_owns = lock.owner->stamp < context.stamp;
    if (context.acquired > 0 && (wait_die_ ? older_owns : context.wounded)) return Outcome::deadlock;
    if (!queue(lock, context)) return Outcome::deadlock;
    if (!wait_die_ && !older_owns && !lock.owner->wounded) {
      lock.owner->wounded = true;
      if (lock.owner->waits_for != nullptr) kill(*lock.owner);
    }
    return Outcome::waiting;
  }

  /// Hands the lock to the oldest waiter and returns it, or null.
  Context* unlock(Lock& lock) {
    Context& owner = *lock.owner;
    if (--owner.acquired == 0) owner.wounded = false;
    Context* next = lock.oldest;
    if (next == nullptr) {
      lock.owner = nullptr;
      return nullptr;
    }
    leave(*next);
    own(lock, *next);
    return next;
  }

 private:
  static void own(Lock& lock, Context& context) {
    lock.owner = &context;
    context.acquired++;
  }

  /// Behind the older ones; false when one that holds something would have to wait behind an older one (wait-die).
  bool queue(Lock& lock, Context& context) {
    Context* at = lock.youngest;
    while (at != nullptr && at->stamp > context.stamp) {
      Context* older = at->previous;
      if (wait_die_ && at->acquired > 0) kill(*at);
      at = older;
    }
    if (wait_die_ && at != nullptr && context.acquired > 0) return false;
    context.waits_for = &lock;
    context.previous = at;
    context.next = at == nullptr ? lock.oldest : at->next;
    (at == nullptr ? lock.oldest : at->next) = &context;
    (context.next == nullptr ? lock.youngest : context.next->previous) = &context;
    return true;
  }

  static void leave(Context& context) {
    Lock& lock = *context.waits_for;
    (context.previous == nullptr ? lock.oldest : context.previous->next) = context.next;
    (context.next == nullptr ? lock.youngest : context.next->previous) = context.previous;
    context.waits_for = nullptr;
  }

  void kill(Context& context) {
    leave(context);
    context.refused = true;
    victim_ = &context;
  }

  bool wait_die_;
  Context* victim_ = nullptr;
};

struct Actor {
  Context context;
  std::vector<uint32_t> needs;
  uint32_t transactions = 0;
};

struct Result {
  double cpu_ms;
  uint32_t steps;
  uint32_t backoffs;
  uint32_t trace;
};

class Workload {
 public:
  Workload(bool wait_die, uint32_t actors, uint32_t locks, uint32_t needs)
      : mutexes_(wait_die), locks_(locks), actors_(actors), needs_(needs) {}

  Result run(uint32_t transactions) {
    for (Actor& actor : actors_) begin(actor);
    while (!runnable_.empty()) {
      Actor& actor = *runnable_.front();
      runnable_.pop_front();
      steps_++;
      step(actor, transactions);
    }
    return {0, steps_, backoffs_, trace_};
  }

 private:
  void begin(Actor& actor) {
    actor.context.stamp = ++stamp_;
    actor.needs.clear();
    while (actor.needs.size() < needs_) {
      const uint32_t lock = (random_.next() >> 1) % locks_.size();
      if (std::find(actor.needs.begin(), actor.needs.end(), lock) == actor.needs.end()) actor.needs.push_back(lock);
    }
    runnable_.push_back(&actor);
  }

  void step(Actor& actor, uint32_t transactions) {
    Context& context = actor.context;
    if (context.refused) return back_off(actor);
    if (context.acquired == needs_) {
      release(actor, needs_);
      if (++actor.transactions < transactions) begin(actor);
      return;
    }
    const uint32_t wanted = actor.needs[context.acquired];
    const Outcome outcome = mutexes_.lock(locks_[wanted], context);
    trace_ = trace_ * 31 + wanted * 4 + static_cast<uint32_t>(outcome);
    if (mutexes_.victim() != nullptr) runnable_.push_back(actor_of(mutexes_.victim()));
    if (outcome == Outcome::waiting) return;
    context.refused = outcome == Outcome::deadlock;
    runnable_.push_back(&actor);
  }

  /// Gives everything back; the contended lock is the first one of the next try.
  void back_off(Actor& actor) {
    const uint32_t held = actor.context.acquired;
    actor.context.refused = false;
    backoffs_++;
    release(actor, held);
    std::rotate(actor.needs.begin(), actor.needs.begin() + held, actor.needs.begin() + held + 1);
    runnable_.push_back(&actor);
  }

  void release(Actor& actor, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
      Context* next = mutexes_.unlock(locks_[actor.needs[i]]);
      if (next != nullptr) runnable_.push_back(actor_of(next));
    }
  }

  /// The context is the actor's first member.
  static Actor* actor_of(Context* context) { return reinterpret_cast<Actor*>(context); }

  WwMutexes mutexes_;
  std::vector<Lock> locks_;
  std::vector<Actor> actors_;
  uint32_t needs_;
  std::deque<Actor*> runnable_;
  Xorshift random_{2024};
  uint64_t stamp_ = 0;
  uint32_t steps_ = 0;
  uint32_t backoffs_ = 0;
  uint32_t trace_ = 0;
};

int main(int count, char** words) {
  const Arguments arguments(
      count, words,
      {{"algorithm", "wait-die"}, {"actors", "256"}, {"locks", "1024"}, {"needs", "64"}, {"transactions", "20"}});
  const std::string algorithm = arguments.text("algorithm");
  if (algorithm != "wait-die" && algorithm != "wound-wait") Arguments::fail("--algorithm", "is wait-die or wound-wait");
  const uint32_t locks = arguments.number("locks");
  const uint32_t needs = arguments.number("needs");
  if (needs == 0 || needs > locks) Arguments::fail("--needs", "is from 1 to the number of locks");

  std::array<Result, 3> results;
  for (Result& result : results) {
    const double started = cpu_ms();
    Workload workload(algorithm == "wait-die", arguments.number("actors"), locks, needs);
    result = workload.run(arguments.number("transactions"));
    result.cpu_ms = cpu_ms() - started;
  }
  std::sort(results.begin(), results.end(), [](const Result& a, const Result& b) { return a.cpu_ms < b.cpu_ms; });
  const Result& median = results[1];
  std::printf("{\"program\":\"ww-mutex\",\"algorithm\":\"%s\",\"cpu_ms\":%.3f,\"steps\":%u,\"backoffs\":%u,\"trace\":%u}\n",
              algorithm.c_str(), median.cpu_ms, median.steps, median.backoffs, median.trace);
  return 0;
}
