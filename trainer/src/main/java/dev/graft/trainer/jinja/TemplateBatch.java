package dev.graft.trainer.jinja;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashMap;
import java.util.Map;

/** Renders a file of templates, one JSON object a line: {@code graft template --batch IN --output OUT [--now T]}. */
public final class TemplateBatch {
    private static final int CACHED = 256;

    private static final ObjectMapper JSON = JsonMapper.builder(
                    JsonFactory.builder()
                            .streamReadConstraints(StreamReadConstraints.builder()
                                    .maxStringLength(Integer.MAX_VALUE)
                                    .maxNumberLength(5000)
                                    .build())
                            .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .build();

    /** How many lines were rendered and how many of them failed. */
    public record Result(int rendered, int failed) {}

    private TemplateBatch() {}

    /**
     * Renders every line {@code {"id", "template", "context"}} of {@code input}; {@code output} gets the line
     * {@code {"id", "ok": true, "out"}} or {@code {"id", "ok": false, "error"}} for each, in order. The output appears
     * at once and whole, or not at all.
     *
     * @param now local time for {@code strftime_now}, such as {@code 2025-07-04T09:05:03}; null for the system's time
     * @throws IllegalArgumentException if {@code now} is not a time or a line is malformed (the message names the line)
     * @throws IOException if a file cannot be read or written
     */
    public static Result run(Path input, Path output, String now) throws IOException {
        return run(input, output, RenderOptions.defaults().withClock(clock(now)));
    }

    /**
     * As {@link #run(Path, Path, String)}, with options of one's own.
     *
     * @throws IllegalArgumentException if a line is malformed (the message names the line)
     * @throws IOException if a file cannot be read or written
     */
    public static Result run(Path input, Path output, RenderOptions options) throws IOException {
        Path absolute = output.toAbsolutePath();
        Path temporary = Files.createTempFile(absolute.getParent(), absolute.getFileName() + ".", ".tmp");
        boolean moved = false;
        try {
            Result result;
            try (BufferedReader in = Files.newBufferedReader(input, StandardCharsets.UTF_8);
                    FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
                OutputStream stream = Channels.newOutputStream(channel);
                BufferedWriter out = new BufferedWriter(new OutputStreamWriter(stream, StandardCharsets.UTF_8));
                result = renderAll(in, out, options, input);
                out.flush();
                channel.force(true);
            }
            try {
                Files.move(temporary, absolute, StandardCopyOption.ATOMIC_MOVE);
            } catch (AtomicMoveNotSupportedException e) {
                Files.move(temporary, absolute, StandardCopyOption.REPLACE_EXISTING);
            }
            moved = true;
            syncDirectory(absolute.getParent());
            return result;
        } finally {
            if (!moved) {
                Files.deleteIfExists(temporary);
            }
        }
    }

    private static void syncDirectory(Path directory) {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        } catch (IOException e) {
            // Not every file system can sync a directory; the file itself is safe.
        }
    }

    private static Clock clock(String now) {
        if (now == null) {
            return Clock.systemDefaultZone();
        }
        try {
            return Clock.fixed(LocalDateTime.parse(now).toInstant(ZoneOffset.UTC), ZoneOffset.UTC);
        } catch (DateTimeParseException e) {
            throw new IllegalArgumentException("not a time such as 2025-07-04T09:05:03: " + now, e);
        }
    }

    private static Result renderAll(BufferedReader in, BufferedWriter out, RenderOptions options, Path input)
            throws IOException {
        Map<String, Template> parsed = new LinkedHashMap<>(16, 0.75f, true) {
            private static final long serialVersionUID = 1L;

            @Override
            protected boolean removeEldestEntry(Map.Entry<String, Template> eldest) {
                return size() > CACHED;
            }
        };
        int rendered = 0;
        int failed = 0;
        int number = 0;
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            number++;
            if (line.isBlank()) {
                continue;
            }
            ObjectNode row = read(line, number, input);
            ObjectNode answer = JSON.createObjectNode();
            answer.set("id", row.get("id"));
            try {
                String source = row.get("template").textValue();
                Template template = parsed.get(source);
                if (template == null) {
                    template = Template.parse(source);
                    parsed.put(source, template);
                }
                answer.put("ok", true).put("out", template.render(context(row.get("context")), options));
            } catch (TemplateException e) {
                answer.put("ok", false).put("error", String.valueOf(e.getMessage()));
                failed++;
            }
            out.write(write(answer));
            out.write('\n');
            rendered++;
        }
        return new Result(rendered, failed);
    }

    /** The answer as JSON; lone surrogates, which UTF-8 cannot hold, are escaped. */
    private static String write(ObjectNode answer) throws JsonProcessingException {
        String text = JSON.writeValueAsString(answer);
        return StandardCharsets.UTF_8.newEncoder().canEncode(text)
                ? text
                : JSON.writer().with(JsonWriteFeature.ESCAPE_NON_ASCII).writeValueAsString(answer);
    }

    private static Map<String, Object> context(JsonNode node) {
        @SuppressWarnings("unchecked")
        Map<String, Object> context = node == null ? Map.of() : JSON.convertValue(node, Map.class);
        return context;
    }

    private static ObjectNode read(String line, int number, Path input) {
        JsonNode node;
        try {
            node = JSON.readTree(line);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(input + ", line " + number + ": not JSON: " + e.getOriginalMessage(), e);
        }
        if (!(node instanceof ObjectNode row)) {
            throw malformed(input, number, "not an object");
        }
        if (!row.has("id")) {
            throw malformed(input, number, "no \"id\"");
        }
        if (!row.path("template").isTextual()) {
            throw malformed(input, number, "no string \"template\"");
        }
        if (row.has("context") && !row.get("context").isObject()) {
            throw malformed(input, number, "\"context\" is not an object");
        }
        return row;
    }

    private static IllegalArgumentException malformed(Path input, int number, String what) {
        return new IllegalArgumentException(input + ", line " + number + ": " + what);
    }
}
