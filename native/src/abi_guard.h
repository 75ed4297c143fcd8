// The border between C++ exceptions and the C ABI.
#pragma once
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>

#include "status.h"

struct graft_runtime;

namespace graft {

inline int32_t report(graft_status status, const char *text, char *message, int64_t message_bytes) {
  if (message && message_bytes > 0) {
    std::snprintf(message, size_t(message_bytes), "%s", text);
    for (char *c = message; *c; c++)  // one line, whatever a file name holds
      if (*c == '\n' || *c == '\r') *c = ' ';
  }
  return status;
}

// Runs body; whatever it throws becomes a status and a line.
template <typename Body>
int32_t guarded(char *message, int64_t message_bytes, Body body) {
  if (message && message_bytes > 0) message[0] = 0;
  try {
    body();
    return GRAFT_OK;
  } catch (const Error &error) {
    return report(error.status, error.message.c_str(), message, message_bytes);
  } catch (const std::bad_alloc &) {
    return report(GRAFT_OUT_OF_MEMORY, "out of memory", message, message_bytes);
  } catch (const std::exception &error) {
    return report(GRAFT_FAILED, error.what(), message, message_bytes);
  } catch (...) {
    return report(GRAFT_FAILED, "unknown failure in the native layer", message, message_bytes);
  }
}

template <typename T>
T &required(T *pointer, const char *what) {
  if (!pointer) fail(GRAFT_USAGE, "%s is NULL", what);
  return *pointer;
}

// Opens into *out, which is NULL unless everything went well.
template <typename Handle, typename Make>
int32_t opened(Handle **out, char *message, int64_t message_bytes, Make make) {
  return guarded(message, message_bytes, [&] {
    required(out, "the handle's address");
    *out = nullptr;
    std::unique_ptr<Handle> handle = make();
    *out = handle.release();
  });
}

inline void copy_text(const char *text, size_t length, char *buffer, int64_t capacity, int64_t *needed) {
  if (needed) *needed = int64_t(length) + 1;
  if (!buffer || capacity <= 0) return;
  const size_t fits = length < size_t(capacity) ? length : size_t(capacity) - 1;
  std::memcpy(buffer, text, fits);
  buffer[fits] = 0;
}

}  // namespace graft
