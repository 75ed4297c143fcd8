package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * A function that a request offers.
 *
 * @param parameters the JSON Schema of its arguments, an object  @param strict whether a call must follow it  @param param where it stands in the request
 */
record Tool(String name, JsonNode parameters, boolean strict, String param) {}
