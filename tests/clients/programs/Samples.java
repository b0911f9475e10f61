import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import javax.tools.ToolProvider;

/** Compile programs as Java does when it is given a source, and run them one after the other, each after a mark. */
class Samples {
    public static void main(String[] files) throws Exception {
        var compiler = ToolProvider.getSystemJavaCompiler();
        for (String file : files) {
            Path folder = Path.of(file).getParent();
            if (compiler.run(null, null, null, "-proc:none", "-d", folder.toString(), file) != 0) System.exit(1);
            System.out.print("\u001e");
            try (var loader = new URLClassLoader(new URL[] {folder.toUri().toURL()})) {
                var main = loader.loadClass("Sample").getDeclaredMethod("main", String[].class);
                main.setAccessible(true);
                main.invoke(null, (Object) new String[0]);
            }
        }
    }
}
