package dev.graft.trainer.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/** What {@code namespace()} makes: an object whose attributes templates may set. */
final class Namespace implements PyObjects.Typed {
    final Map<String, Object> attributes = new LinkedHashMap<>();

    PyDict asDict() {
        PyDict d = new PyDict();
        attributes.forEach((k, v) -> d.put(null, k, v));
        return d;
    }

    @Override
    public String typeName() {
        return "Namespace";
    }
}
