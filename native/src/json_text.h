// Builds JSON text: the only thing the native layer has to say in JSON is descriptions of itself.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace graft {

class JsonText {
 public:
  void begin_object();
  void end_object();
  void begin_array();
  void end_array();
  void key(std::string_view name);
  void value(std::string_view text);   // bytes that are not UTF-8 become U+FFFD
  void value(int64_t number);
  void value(double number);           // null when not finite
  void field(std::string_view name, std::string_view text) { key(name); value(text); }
  void field(std::string_view name, int64_t number) { key(name); value(number); }
  void field(std::string_view name, double number) { key(name); value(number); }
  const std::string &text() const { return text_; }

 private:
  void separate();
  std::string text_;
  bool first_ = true;
};

}  // namespace graft
