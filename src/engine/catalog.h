// The models that are here: the shipped folder, the home's, and those that the configuration names by path; by name. A
// file that is damaged is listed with its problem, not hidden. Where several have a name, the last of these is taken.
// Reads headers only; blocks on the disk for some milliseconds a file; any thread.
#pragma once
#include <map>
#include <string>

#include "engine/engine.h"
#include "engine/gguf.h"

namespace steward::engine {

struct CatalogEntry {
  LocalModel model;
  GgufInfo info;
  uint64_t memory_bytes = 0;  // what its process will need, estimated
  int64_t window_tokens = 0;  // embeddings: the longest input of one pass
};

std::map<std::string, CatalogEntry> read_catalog(const Options& options);

// Weights, keys and values of every slot, compute buffers, and the process itself.
uint64_t memory_need(const GgufInfo& info, ModelKind kind, int64_t context_tokens, int64_t slots);

uint64_t available_memory();  // of the machine now; the smaller of it and the container's limit

}  // namespace steward::engine
