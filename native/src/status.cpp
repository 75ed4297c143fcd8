#include "status.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace graft {

void fail(graft_status status, const char *format, ...) {
  char text[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  throw Error{status, text};
}

std::string os_error() { return std::strerror(errno); }

}  // namespace graft
