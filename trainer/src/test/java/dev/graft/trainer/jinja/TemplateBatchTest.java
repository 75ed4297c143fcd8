package dev.graft.trainer.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TemplateBatchTest {
    @TempDir
    Path dir;

    private Path input(String... lines) throws IOException {
        return Files.writeString(dir.resolve("in.jsonl"), String.join("\n", lines) + "\n");
    }

    @Test
    void rendersEveryLineInOrder() throws IOException {
        Path in = input(
                "{\"id\": 7, \"template\": \"{{ x }} {{ y }} {{ strftime_now('%d.%m.%Y %H:%M') }}\", \"context\": {\"x\": 1.0, \"y\": 123456789012345678901}}",
                "{\"id\": {\"a\": [null]}, \"template\": \"{{ raise_exception('no') }}\", \"context\": {}}",
                "",
                "{\"id\": null, \"template\": \"{{ 'é\\ud83d\\ude00' }}\"}",
                "{\"id\": \"s\", \"template\": \"{% if\", \"context\": {}}",
                "{\"id\": \"lone\", \"template\": \"{{ x }}\", \"context\": {\"x\": \"\\ud83d\"}}");
        Path out = dir.resolve("out.jsonl");
        TemplateBatch.Result result = TemplateBatch.run(in, out, "2025-07-04T09:05:03");
        assertThat(result).isEqualTo(new TemplateBatch.Result(5, 2));
        assertThat(Files.readAllLines(out)).satisfiesExactly(
                l -> assertThat(l).isEqualTo("{\"id\":7,\"ok\":true,\"out\":\"1.0 123456789012345678901 04.07.2025 09:05\"}"),
                l -> assertThat(l).isEqualTo("{\"id\":{\"a\":[null]},\"ok\":false,\"error\":\"no\"}"),
                l -> assertThat(l).isEqualTo("{\"id\":null,\"ok\":true,\"out\":\"é😀\"}"),
                l -> assertThat(l).startsWith("{\"id\":\"s\",\"ok\":false,\"error\":\"line 1: "),
                l -> assertThat(l).isEqualToIgnoringCase("{\"id\":\"lone\",\"ok\":true,\"out\":\"\\ud83d\"}"));
        assertThat(names()).containsExactlyInAnyOrder("in.jsonl", "out.jsonl");
    }

    @Test
    void namesTheMalformedLineAndLeavesTheOldOutput() throws IOException {
        Path out = Files.writeString(dir.resolve("out.jsonl"), "old");
        for (String bad : new String[] {"{", "[]", "{\"template\": \"a\"}", "{\"id\": 1, \"template\": 2}", "{\"id\": 1, \"template\": \"a\", \"context\": []}", "{} {}"}) {
            Path in = input("{\"id\": 1, \"template\": \"a\", \"context\": {}}", bad);
            assertThatThrownBy(() -> TemplateBatch.run(in, out, (String) null)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("line 2");
        }
        assertThat(out).hasContent("old");
        assertThat(names()).containsExactlyInAnyOrder("in.jsonl", "out.jsonl");
    }

    @Test
    void refusesATimeThatIsNone() throws IOException {
        Path in = input("");
        assertThatThrownBy(() -> TemplateBatch.run(in, dir.resolve("o"), "today")).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("today");
    }

    private java.util.List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(dir)) {
            return files.map(p -> p.getFileName().toString()).toList();
        }
    }
}
