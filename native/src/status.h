// How failures travel inside the native layer: one exception type that carries the ABI's status and a line for the user.
#pragma once
#include <cstdarg>
#include <cstdint>
#include <string>

#include "graft.h"

namespace graft {

struct Error {
  graft_status status;
  std::string message;
};

// printf-style; never returns.
[[noreturn]] void fail(graft_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

// strerror of the current errno, as a string.
std::string os_error();

}  // namespace graft
