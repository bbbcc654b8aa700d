// Made from the table of the API by scripts/types.js; do not edit.

/** Options of createChrome. */
export interface ChromeOptions {
  /** Certificates in PEM form that are trusted besides those of the web, which are built in. */
  extraRootsPem?: string;
  /** Most bytes of unfinished sends; a send beyond it fails with "Exceeded write quota.". Default 200 MiB. */
  writeQuotaBytes?: number;
  /** Share addresses with other objects that do, in this or another process of the user. Default false. */
  reusePort?: boolean;
  /** How long the library's thread looks for more, in microseconds, before it sleeps, keeping a CPU busy. Default 0. */
  busyPollUs?: number;
  /** Where the shared library is, if not in the package. */
  libraryPath?: string;
}

/**
 * Opens an app: its sockets, under the permissions of its manifest, which is the parsed manifest.json.
 * Without a manifest, everything is allowed.
 */
export function createChrome(manifest?: object | null, options?: ChromeOptions | null): Chrome;

/** Ends an app: its calls complete, its sockets close. The promise is fulfilled when that is done. */
export function destroyChrome(chrome: Chrome): Promise<void>;

/** An event that listeners can be added to. */
export interface Event<H extends (...args: any) => void> {
  addListener(callback: H): void;
  removeListener(callback: H): void;
  hasListener(callback: H): boolean;
  hasListeners(): boolean;
  /** Throws: these events have no rules. */
  addRules(rules: unknown[], callback?: (rules: any[]) => void): void;
  /** Throws. */
  getRules(ruleIdentifiers: string[], callback: (rules: any[]) => void): void;
  getRules(callback: (rules: any[]) => void): void;
  /** Throws. */
  removeRules(ruleIdentifiers?: string[], callback?: () => void): void;
  removeRules(callback?: () => void): void;
}

export interface Runtime {
  /** The app's id. */
  readonly id: string;
  /** What failed: there only during the callback of a call that failed, and in what awaits it. */
  readonly lastError?: { message: string };
  getManifest(): any;
  getURL(path: string): string;
}

export namespace sockets.tcp {
  interface CreateInfo {
    socketId: number;
  }
  type DnsQueryType = 'any' | 'ipv4' | 'ipv6';
  interface DnsQueryTypeEnum { readonly ANY: 'any'; readonly IPV4: 'ipv4'; readonly IPV6: 'ipv6' }
  interface ReceiveErrorInfo {
    socketId: number;
    resultCode: number;
  }
  interface ReceiveInfo {
    socketId: number;
    data: ArrayBuffer;
  }
  interface SecureOptions {
    tlsVersion?: sockets.tcp.TLSVersionConstraints;
  }
  interface SendInfo {
    resultCode: number;
    bytesSent?: number;
  }
  interface SocketInfo {
    socketId: number;
    persistent: boolean;
    name?: string;
    bufferSize?: number;
    paused: boolean;
    connected: boolean;
    localAddress?: string;
    localPort?: number;
    peerAddress?: string;
    peerPort?: number;
  }
  interface SocketProperties {
    persistent?: boolean;
    name?: string;
    bufferSize?: number;
  }
  interface TLSVersionConstraints {
    min?: string;
    max?: string;
  }
  interface Api {
    readonly DnsQueryType: DnsQueryTypeEnum;
    create(properties?: sockets.tcp.SocketProperties): Promise<sockets.tcp.CreateInfo>;
    create(properties?: sockets.tcp.SocketProperties, callback?: (result: sockets.tcp.CreateInfo) => void): void;
    create(callback: (result: sockets.tcp.CreateInfo) => void): void;
    update(socketId: number, properties: sockets.tcp.SocketProperties): Promise<void>;
    update(socketId: number, properties: sockets.tcp.SocketProperties, callback?: () => void): void;
    setPaused(socketId: number, paused: boolean): Promise<void>;
    setPaused(socketId: number, paused: boolean, callback?: () => void): void;
    setKeepAlive(socketId: number, enable: boolean, delay: number, callback: (result: number) => void): void;
    setKeepAlive(socketId: number, enable: boolean, callback: (result: number) => void): void;
    setNoDelay(socketId: number, noDelay: boolean, callback: (result: number) => void): void;
    connect(socketId: number, peerAddress: string, peerPort: number, dnsQueryType: sockets.tcp.DnsQueryType, callback: (result: number) => void): void;
    connect(socketId: number, peerAddress: string, peerPort: number, callback: (result: number) => void): void;
    disconnect(socketId: number): Promise<void>;
    disconnect(socketId: number, callback?: () => void): void;
    secure(socketId: number, options: sockets.tcp.SecureOptions, callback: (result: number) => void): void;
    secure(socketId: number, callback: (result: number) => void): void;
    send(socketId: number, data: ArrayBuffer | ArrayBufferView, callback: (result: sockets.tcp.SendInfo) => void): void;
    close(socketId: number): Promise<void>;
    close(socketId: number, callback?: () => void): void;
    getInfo(socketId: number): Promise<sockets.tcp.SocketInfo>;
    getInfo(socketId: number, callback?: (result: sockets.tcp.SocketInfo) => void): void;
    getSockets(): Promise<sockets.tcp.SocketInfo[]>;
    getSockets(callback?: (result: sockets.tcp.SocketInfo[]) => void): void;
    readonly onReceive: Event<(info: sockets.tcp.ReceiveInfo) => void>;
    readonly onReceiveError: Event<(info: sockets.tcp.ReceiveErrorInfo) => void>;
  }
}

export namespace sockets.tcpServer {
  interface AcceptErrorInfo {
    socketId: number;
    resultCode: number;
  }
  interface AcceptInfo {
    socketId: number;
    clientSocketId: number;
  }
  interface CreateInfo {
    socketId: number;
  }
  interface SocketInfo {
    socketId: number;
    persistent: boolean;
    name?: string;
    paused: boolean;
    localAddress?: string;
    localPort?: number;
  }
  interface SocketProperties {
    persistent?: boolean;
    name?: string;
  }
  interface Api {
    create(properties?: sockets.tcpServer.SocketProperties): Promise<sockets.tcpServer.CreateInfo>;
    create(properties?: sockets.tcpServer.SocketProperties, callback?: (result: sockets.tcpServer.CreateInfo) => void): void;
    create(callback: (result: sockets.tcpServer.CreateInfo) => void): void;
    update(socketId: number, properties: sockets.tcpServer.SocketProperties): Promise<void>;
    update(socketId: number, properties: sockets.tcpServer.SocketProperties, callback?: () => void): void;
    setPaused(socketId: number, paused: boolean): Promise<void>;
    setPaused(socketId: number, paused: boolean, callback?: () => void): void;
    listen(socketId: number, address: string, port: number, backlog: number, callback: (result: number) => void): void;
    listen(socketId: number, address: string, port: number, callback: (result: number) => void): void;
    disconnect(socketId: number): Promise<void>;
    disconnect(socketId: number, callback?: () => void): void;
    close(socketId: number): Promise<void>;
    close(socketId: number, callback?: () => void): void;
    getInfo(socketId: number): Promise<sockets.tcpServer.SocketInfo>;
    getInfo(socketId: number, callback?: (result: sockets.tcpServer.SocketInfo) => void): void;
    getSockets(): Promise<sockets.tcpServer.SocketInfo[]>;
    getSockets(callback?: (result: sockets.tcpServer.SocketInfo[]) => void): void;
    readonly onAccept: Event<(info: sockets.tcpServer.AcceptInfo) => void>;
    readonly onAcceptError: Event<(info: sockets.tcpServer.AcceptErrorInfo) => void>;
  }
}

export namespace sockets.udp {
  interface CreateInfo {
    socketId: number;
  }
  type DnsQueryType = 'any' | 'ipv4' | 'ipv6';
  interface DnsQueryTypeEnum { readonly ANY: 'any'; readonly IPV4: 'ipv4'; readonly IPV6: 'ipv6' }
  interface ReceiveErrorInfo {
    socketId: number;
    resultCode: number;
  }
  interface ReceiveInfo {
    socketId: number;
    data: ArrayBuffer;
    remoteAddress: string;
    remotePort: number;
  }
  interface SendInfo {
    resultCode: number;
    bytesSent?: number;
  }
  interface SocketInfo {
    socketId: number;
    persistent: boolean;
    name?: string;
    bufferSize?: number;
    paused: boolean;
    localAddress?: string;
    localPort?: number;
  }
  interface SocketProperties {
    persistent?: boolean;
    name?: string;
    bufferSize?: number;
  }
  interface Api {
    readonly DnsQueryType: DnsQueryTypeEnum;
    create(properties?: sockets.udp.SocketProperties): Promise<sockets.udp.CreateInfo>;
    create(properties?: sockets.udp.SocketProperties, callback?: (result: sockets.udp.CreateInfo) => void): void;
    create(callback: (result: sockets.udp.CreateInfo) => void): void;
    update(socketId: number, properties: sockets.udp.SocketProperties): Promise<void>;
    update(socketId: number, properties: sockets.udp.SocketProperties, callback?: () => void): void;
    setPaused(socketId: number, paused: boolean): Promise<void>;
    setPaused(socketId: number, paused: boolean, callback?: () => void): void;
    bind(socketId: number, address: string, port: number, callback: (result: number) => void): void;
    send(socketId: number, data: ArrayBuffer | ArrayBufferView, address: string, port: number, dnsQueryType: sockets.udp.DnsQueryType, callback: (result: sockets.udp.SendInfo) => void): void;
    send(socketId: number, data: ArrayBuffer | ArrayBufferView, address: string, port: number, callback: (result: sockets.udp.SendInfo) => void): void;
    close(socketId: number): Promise<void>;
    close(socketId: number, callback?: () => void): void;
    getInfo(socketId: number): Promise<sockets.udp.SocketInfo>;
    getInfo(socketId: number, callback?: (result: sockets.udp.SocketInfo) => void): void;
    getSockets(): Promise<sockets.udp.SocketInfo[]>;
    getSockets(callback?: (result: sockets.udp.SocketInfo[]) => void): void;
    joinGroup(socketId: number, address: string, callback: (result: number) => void): void;
    leaveGroup(socketId: number, address: string, callback: (result: number) => void): void;
    setMulticastTimeToLive(socketId: number, ttl: number, callback: (result: number) => void): void;
    setMulticastLoopbackMode(socketId: number, enabled: boolean, callback: (result: number) => void): void;
    getJoinedGroups(socketId: number): Promise<string[]>;
    getJoinedGroups(socketId: number, callback?: (result: string[]) => void): void;
    setBroadcast(socketId: number, enabled: boolean, callback: (result: number) => void): void;
    readonly onReceive: Event<(info: sockets.udp.ReceiveInfo) => void>;
    readonly onReceiveError: Event<(info: sockets.udp.ReceiveErrorInfo) => void>;
  }
}

export namespace socket {
  interface AcceptInfo {
    resultCode: number;
    socketId?: number;
  }
  interface CreateInfo {
    socketId: number;
  }
  interface CreateOptions {}
  interface NetworkInterface {
    name: string;
    address: string;
    prefixLength: number;
  }
  interface ReadInfo {
    resultCode: number;
    data: ArrayBuffer;
  }
  interface RecvFromInfo {
    resultCode: number;
    data: ArrayBuffer;
    address: string;
    port: number;
  }
  interface SecureOptions {
    tlsVersion?: socket.TLSVersionConstraints;
  }
  interface SocketInfo {
    socketType: socket.SocketType;
    connected: boolean;
    peerAddress?: string;
    peerPort?: number;
    localAddress?: string;
    localPort?: number;
  }
  type SocketType = 'tcp' | 'udp';
  interface SocketTypeEnum { readonly TCP: 'tcp'; readonly UDP: 'udp' }
  interface TLSVersionConstraints {
    min?: string;
    max?: string;
  }
  interface WriteInfo {
    bytesWritten: number;
  }
  interface Api {
    readonly SocketType: SocketTypeEnum;
    create(type: socket.SocketType, options?: socket.CreateOptions): Promise<socket.CreateInfo>;
    create(type: socket.SocketType, options?: socket.CreateOptions, callback?: (result: socket.CreateInfo) => void): void;
    create(type: socket.SocketType, callback: (result: socket.CreateInfo) => void): void;
    connect(socketId: number, hostname: string, port: number, callback: (result: number) => void): void;
    bind(socketId: number, address: string, port: number, callback: (result: number) => void): void;
    disconnect(socketId: number): void;
    destroy(socketId: number): void;
    read(socketId: number, bufferSize: number, callback: (result: socket.ReadInfo) => void): void;
    read(socketId: number, callback: (result: socket.ReadInfo) => void): void;
    write(socketId: number, data: ArrayBuffer | ArrayBufferView, callback: (result: socket.WriteInfo) => void): void;
    recvFrom(socketId: number, bufferSize: number, callback: (result: socket.RecvFromInfo) => void): void;
    recvFrom(socketId: number, callback: (result: socket.RecvFromInfo) => void): void;
    sendTo(socketId: number, data: ArrayBuffer | ArrayBufferView, address: string, port: number, callback: (result: socket.WriteInfo) => void): void;
    listen(socketId: number, address: string, port: number, backlog: number, callback: (result: number) => void): void;
    listen(socketId: number, address: string, port: number, callback: (result: number) => void): void;
    accept(socketId: number, callback: (result: socket.AcceptInfo) => void): void;
    setKeepAlive(socketId: number, enable: boolean, delay: number, callback: (result: boolean) => void): void;
    setKeepAlive(socketId: number, enable: boolean, callback: (result: boolean) => void): void;
    setNoDelay(socketId: number, noDelay: boolean, callback: (result: boolean) => void): void;
    getInfo(socketId: number): Promise<socket.SocketInfo>;
    getInfo(socketId: number, callback?: (result: socket.SocketInfo) => void): void;
    getNetworkList(): Promise<socket.NetworkInterface[]>;
    getNetworkList(callback?: (result: socket.NetworkInterface[]) => void): void;
    joinGroup(socketId: number, address: string, callback: (result: number) => void): void;
    leaveGroup(socketId: number, address: string, callback: (result: number) => void): void;
    setMulticastTimeToLive(socketId: number, ttl: number, callback: (result: number) => void): void;
    setMulticastLoopbackMode(socketId: number, enabled: boolean, callback: (result: number) => void): void;
    getJoinedGroups(socketId: number, callback: (result: string[]) => void): void;
    secure(socketId: number, options: socket.SecureOptions, callback: (result: number) => void): void;
    secure(socketId: number, callback: (result: number) => void): void;
  }
}

export interface Chrome {
  readonly runtime: Runtime;
  readonly socket: socket.Api;
  readonly sockets: { readonly tcp: sockets.tcp.Api; readonly tcpServer: sockets.tcpServer.Api; readonly udp: sockets.udp.Api };
}
