// What Chrome's API has for apps and is not here, by name: on Linux, without what only its developers' channels, policies and
// kiosks have.
'use strict';

/** Namespace; the key or permission of the manifest that brings it, or null; members, without enums, which nothing would take. */
const NAMES = [
  ['bluetooth', 'bluetooth', 'getAdapterState getDevice getDevices startDiscovery stopDiscovery onAdapterStateChanged onDeviceAdded '
    + 'onDeviceChanged onDeviceRemoved'],
  ['bluetoothLowEnergy', 'bluetooth', 'connect createCharacteristic createDescriptor createService disconnect getCharacteristic '
    + 'getCharacteristics getDescriptor getDescriptors getIncludedServices getService getServices notifyCharacteristicValueChanged '
    + 'readCharacteristicValue readDescriptorValue registerAdvertisement registerService removeService resetAdvertising '
    + 'sendRequestResponse setAdvertisingInterval startCharacteristicNotifications stopCharacteristicNotifications '
    + 'unregisterAdvertisement unregisterService writeCharacteristicValue writeDescriptorValue onCharacteristicReadRequest '
    + 'onCharacteristicValueChanged onCharacteristicWriteRequest onDescriptorReadRequest onDescriptorValueChanged '
    + 'onDescriptorWriteRequest onServiceAdded onServiceChanged onServiceRemoved'],
  ['bluetoothSocket', 'bluetooth', 'close connect create disconnect getInfo getSockets listenUsingL2cap listenUsingRfcomm send '
    + 'setPaused update onAccept onAcceptError onReceive onReceiveError'],
  ['browser', 'browser', 'openTab'],
  ['commands', 'commands', 'getAll onCommand'],
  ['contextMenus', 'contextMenus', 'create remove removeAll update onClicked'],
  ['desktopCapture', 'desktopCapture', 'cancelChooseDesktopMedia chooseDesktopMedia'],
  ['fileSystem', 'fileSystem', 'chooseEntry getDisplayPath getWritableEntry isRestorable isWritableEntry restoreEntry retainEntry'],
  ['gcm', 'gcm', 'register send unregister onMessage onMessagesDeleted onSendError'],
  ['hid', 'hid', 'connect disconnect getDevices receive receiveFeatureReport send sendFeatureReport onDeviceAdded onDeviceRemoved'],
  ['i18n', null, 'detectLanguage getAcceptLanguages'],
  ['identity', 'identity', 'clearAllCachedAuthTokens getAuthToken getProfileUserInfo getRedirectURL launchWebAuthFlow '
    + 'removeCachedAuthToken onSignInChanged'],
  ['idle', 'idle', 'queryState setDetectionInterval onStateChanged'],
  ['instanceID', 'gcm', 'deleteID deleteToken getCreationTime getID getToken onTokenRefresh'],
  ['management', null, 'getPermissionWarningsByManifest getSelf uninstallSelf'],
  ['mdns', 'mdns', 'forceDiscovery onServiceList'],
  ['mediaGalleries', 'mediaGalleries', 'addGalleryWatch addUserSelectedFolder getMediaFileSystems getMetadata removeGalleryWatch '
    + 'onGalleryChanged'],
  ['notifications', 'notifications', 'clear getAll getPermissionLevel update onButtonClicked onClicked onClosed '
    + 'onPermissionLevelChanged onShowSettings'],
  ['printerProvider', 'printerProvider', 'onGetCapabilityRequested onGetPrintersRequested onGetUsbPrinterInfoRequested onPrintRequested'],
  ['runtime', null, 'getPackageDirectoryEntry openOptionsPage reload restart restartAfterDelay setUninstallURL'],
  ['runtime', 'nativeMessaging', 'sendNativeMessage onConnectNative'],
  ['serial', 'serial', 'clearBreak connect disconnect flush getConnections getControlSignals getDevices getInfo send setBreak '
    + 'setControlSignals setPaused update onReceive onReceiveError'],
  ['syncFileSystem', 'syncFileSystem', 'getConflictResolutionPolicy getFileStatus getFileStatuses getServiceStatus getUsageAndQuota '
    + 'requestFileSystem setConflictResolutionPolicy onFileStatusChanged onServiceStatusChanged'],
  ['system.cpu', 'system.cpu', 'getInfo'],
  ['system.display', 'system.display', 'getDisplayLayout getInfo onDisplayChanged'],
  ['system.memory', 'system.memory', 'getInfo'],
  ['system.storage', 'system.storage', 'ejectDevice getInfo onAttached onDetached'],
  ['tts', 'tts', 'getVoices isSpeaking pause resume speak stop onVoicesChanged'],
  ['usb', 'usb', 'bulkTransfer claimInterface closeDevice controlTransfer findDevices getConfiguration getConfigurations getDevices '
    + 'getUserSelectedDevices interruptTransfer isochronousTransfer listInterfaces openDevice releaseInterface requestAccess '
    + 'resetDevice setConfiguration setInterfaceAlternateSetting onDeviceAdded onDeviceRemoved'],
].map(([space, brought, members]) => ({ space, brought, members: members.split(' ') }));

module.exports = { NAMES };
