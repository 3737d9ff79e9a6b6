document.querySelector('#main').textContent = 'peer';
