#include "json_text.h"

#include <cmath>
#include <cstdio>

#include "gguf_json.h"

namespace graft {
void JsonText::separate() {
  if (!first_) text_ += ',';
  first_ = false;
}

void JsonText::begin_object() { separate(); text_ += '{'; first_ = true; }
void JsonText::end_object() { text_ += '}'; first_ = false; }
void JsonText::begin_array() { separate(); text_ += '['; first_ = true; }
void JsonText::end_array() { text_ += ']'; first_ = false; }

void JsonText::key(std::string_view name) {
  value(name);
  text_ += ':';
  first_ = true;
}

void JsonText::value(std::string_view text) {
  separate();
  append_json_string(text_, text);
}

void JsonText::value(int64_t number) {
  separate();
  text_ += std::to_string(number);
}

void JsonText::value(double number) {
  separate();
  if (!std::isfinite(number)) {
    text_ += "null";
    return;
  }
  char digits[40];
  std::snprintf(digits, sizeof digits, "%.17g", number);
  text_ += digits;
}

}  // namespace graft
