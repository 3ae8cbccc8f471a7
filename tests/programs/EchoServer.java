// SPDX-License-Identifier: MIT
// Echoes. A connection whose first byte is 'k' is kept when the peer has ended.
//
// Usage: java EchoServer.java selector | threads
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

public class EchoServer {
    // What is kept must not be closed by the collector.
    static final List<Object> kept = new ArrayList<>();

    static void announce(int port) {
        System.out.println("listening on 127.0.0.1:" + port);
        System.out.flush();
    }

    static void accept(ServerSocketChannel listener, Selector selector) throws IOException {
        SocketChannel channel = listener.accept();
        if (channel == null)
            return;
        channel.configureBlocking(false);
        channel.register(selector, SelectionKey.OP_READ, new boolean[1]);
    }

    static void read(SelectionKey key, ByteBuffer buffer) throws IOException {
        SocketChannel channel = (SocketChannel) key.channel();
        boolean[] keep = (boolean[]) key.attachment();
        buffer.clear();
        if (channel.read(buffer) < 0) {
            key.cancel();
            if (keep[0])
                kept.add(channel);
            else
                channel.close();
            return;
        }
        buffer.flip();
        keep[0] |= buffer.hasRemaining() && buffer.get(0) == 'k';
        while (buffer.hasRemaining())
            channel.write(buffer);
    }

    static void select() throws IOException {
        Selector selector = Selector.open();
        ServerSocketChannel listener = ServerSocketChannel.open();
        ByteBuffer buffer = ByteBuffer.allocateDirect(4096);
        listener.bind(new InetSocketAddress("127.0.0.1", 0), 256);
        listener.configureBlocking(false);
        listener.register(selector, SelectionKey.OP_ACCEPT);
        announce(((InetSocketAddress) listener.getLocalAddress()).getPort());
        for (;;) {
            selector.select();
            for (Iterator<SelectionKey> i = selector.selectedKeys().iterator(); i.hasNext();) {
                SelectionKey key = i.next();
                i.remove();
                if (key.isAcceptable())
                    accept(listener, selector);
                else
                    read(key, buffer);
            }
        }
    }

    static void serve(Socket socket) {
        byte[] bytes = new byte[4096];
        boolean keep = false;
        try {
            InputStream in = socket.getInputStream();
            for (int n; (n = in.read(bytes)) > 0;) {
                keep |= bytes[0] == 'k';
                socket.getOutputStream().write(bytes, 0, n);
            }
            if (!keep)
                socket.close();
            else
                synchronized (kept) {
                    kept.add(socket);
                }
        } catch (IOException error) {
            error.printStackTrace();
        }
    }

    static void threads() throws IOException {
        ServerSocket listener = new ServerSocket(0, 256, InetAddress.getByName("127.0.0.1"));
        announce(listener.getLocalPort());
        for (;;) {
            Socket socket = listener.accept();
            new Thread(() -> serve(socket)).start();
        }
    }

    public static void main(String[] arguments) throws IOException {
        if (arguments[0].equals("selector"))
            select();
        else
            threads();
    }
}
