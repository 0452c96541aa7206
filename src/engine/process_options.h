// How the engine's processes stand beside the server on the machine. They always raise their own oom_score_adj, so that
// the system, out of memory, ends inference (a retried request) and not the server; they leave no core dump.
//
// data_bytes becomes RLIMIT_DATA, not RLIMIT_AS: a model's file is mapped and shared with the page cache, and would
// count in full there although it takes no memory that can't be had back. What RLIMIT_DATA counts is what the process
// writes: the context's cache, work buffers, stacks.
#pragma once
#include <memory>

#include "engine/engine.h"

namespace steward::engine {

struct ProcessOptions {
  int nice = 0;             // added to the server's own; 0 to 19
  uint64_t data_bytes = 0;  // 0: no limit
};

std::unique_ptr<Engine> make_engine(Options options, ProcessOptions process, net::IoThreads& threads,
                                    net::HttpClients& clients, Random& random, Log log);

}  // namespace steward::engine
